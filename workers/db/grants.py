"""The rights of the role of the workers: everything, except to change evidence."""

from sqlalchemy import Engine, text

from domain.errors import ArrearsError
from workers.db.schema import metadata
from workers.db.schema.evidence import EVIDENCE

APPEND_ONLY = frozenset({*EVIDENCE, "evidence_head", "evidence_link"})


def grant_to_role(engine: Engine, role: str) -> None:
    """Grant `role` the use of the tables, which belong to the migrating role. May run repeatedly.

    It may only read and add rows of evidence. It owns nothing, so it cannot change its rights.

    Raises:
        ArrearsError: there is no such role, or it owns the tables itself.
    """
    with engine.begin() as connection:
        known = connection.execute(
            text("SELECT rolname = current_user FROM pg_roles WHERE rolname = :role"),
            {"role": role},
        ).scalar()
        if known is None:
            raise ArrearsError(
                "The database has no role {role}. Make it first: CREATE ROLE {role} LOGIN.",
                role=role,
            )
        if known:
            raise ArrearsError(
                "{role} is the role that migrates: it owns the tables, and may change "
                "anything. Name the other one, as which workers, beat and the webhook "
                "connect.",
                role=role,
            )
        quoted = engine.dialect.identifier_preparer.quote(role)
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {quoted}"))
        for table in sorted(metadata.tables):
            rights = "SELECT, INSERT"
            if table not in APPEND_ONLY:
                rights += ", UPDATE, DELETE"
            connection.execute(text(f"REVOKE ALL ON {table} FROM {quoted}"))
            connection.execute(text(f"GRANT {rights} ON {table} TO {quoted}"))
        connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}"))
