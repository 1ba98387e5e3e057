"""Records which policy documents were used: a version must never change after its first use."""

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.postgresql import insert

from config.readers.policy import PolicyDocument
from domain.errors import ArrearsError
from workers.context import Context
from workers.db.schema import action, policy_version

ALSO_SHIPPED = {
    ("consumer_loan_cn", 1): {
        # without names
        "1bfe4453fddbda8f1e0a398eea615e74dcbe6bff260aa0addbaa0b6299104002",
        # with the rule about days of rest that version 2 has now
        "0f6d177c24f97330d7df8f5221016770d1f9b3d6a0e5ae8b9d38dbda152f1fdf",
    },
    ("consumer_loan_us", 1): {
        # without names
        "8b2bc03666938e3e0d23fcf5aac630cc288eea7878e8f8bd9ce8b67bd81f1afb",
    },
}
"""Digests of ladders that were changed in place after they had been shipped, by id and version.

An installation that has one of them on record starts all the same, because nothing is decided in
another way: names are for people only, and version 2 takes over the rule about days of rest on the
day after version 1 began. Nothing may be added here: a change raises the version.
"""


def register_policy(ctx: Context) -> None:
    """Record the loaded documents.

    Raises:
        ArrearsError: a document differs from the one recorded under the same id and version.
    """
    with ctx.engine.begin() as connection:
        for document in ctx.policy.documents:
            connection.execute(
                insert(policy_version)
                .values(**_key(document), digest=document.digest, first_seen_at=ctx.now())
                .on_conflict_do_nothing()
            )
            _refuse_changed(connection, document)


def assert_policy_unchanged(ctx: Context) -> None:
    """Compare the loaded documents with those on record, and write nothing.

    Raises:
        ArrearsError: a document differs from the one recorded under the same id and version, or the
            file of a ladder that was used is missing.
    """
    with ctx.engine.connect() as connection:
        for document in ctx.policy.documents:
            _refuse_changed(connection, document)
        _refuse_gone(connection, ctx)


def _key(document: PolicyDocument) -> dict[str, str | int]:
    return {"kind": document.kind, "id": document.id, "version": document.version}


def _refuse_changed(connection: Connection, document: PolicyDocument) -> None:
    recorded = connection.execute(
        select(policy_version.c.digest).filter_by(**_key(document))
    ).scalar_one_or_none()
    # A document that is not on record is new.
    also_shipped = ALSO_SHIPPED.get((document.id, document.version), set[str]())
    if recorded not in {None, document.digest, *also_shipped}:
        raise ArrearsError(
            "The {kind} {id} v{version} was changed after it was first used. Put it "
            "back, and make the change as version {next_version} in a file of its own.",
            kind=document.kind.replace("_", " "),
            id=document.id,
            version=document.version,
            next_version=document.version + 1,
        )


def _refuse_gone(connection: Connection, ctx: Context) -> None:
    """Every action needs the ladder that planned it, to be carried out and explained."""
    loaded = {(document.id, document.version) for document in ctx.policy.documents}
    recorded = connection.execute(
        select(policy_version.c.id, policy_version.c.version)
        .where(policy_version.c.kind == "ladder")
        .order_by(policy_version.c.id, policy_version.c.version)
    ).all()
    for ladder_id, version in recorded:
        uses_it = (action.c.ladder_id == ladder_id) & (action.c.ladder_version == version)
        if (ladder_id, version) not in loaded and connection.execute(
            select(exists().where(uses_it))
        ).scalar():
            raise ArrearsError(
                "The ladder {ladder_id} v{version} was used, and its file is missing. Put it "
                "back: a version that was ever used keeps its file.",
                ladder_id=ladder_id,
                version=version,
            )
