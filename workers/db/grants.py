"""Makes the roles of PostgreSQL, and gives each what `workers/db/roles.py` says. No more."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection, Engine, text

from domain.errors import ArrearsError
from workers.db.roles import RIGHTS, Role, rights_of

_LOCK = text("SELECT pg_advisory_xact_lock(7277327)")  # that of the migrations

_LINKS = "ON FUNCTION link_evidence(integer, timestamptz)"

_OWN_FUNCTIONS = text("""
SELECT p.oid::regprocedure::text FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
   AND has_function_privilege('public', p.oid, 'EXECUTE')
 ORDER BY 1
""")
# Of this database, and of all; where whoever migrates may change the role.
_OWN_SETTINGS = text("""
SELECT s.setdatabase <> 0 FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
 WHERE r.rolname = :name AND pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
""")


class _Migrator(NamedTuple):
    """Who migrates."""

    database: str
    name: str
    makes_roles: bool
    owns_database: bool


def grant_roles(engine: Engine, passwords: Mapping[Role, str] | None = None) -> list[str]:
    """Make the roles of this database, and grant each its rights. May run repeatedly.

    What a role may change of itself is undone: its settings, and whatever it was given besides.

    A role that a password is given for may log in with it; the others are for logins of your own,
    which are made members of them. Returns the names of roles that are missing, because whoever
    migrates may not make any.

    Raises:
        ArrearsError: a password is given for a role that whoever migrates may not change.
    """
    missing: list[str] = []
    with engine.begin() as connection:
        connection.execute(_LOCK)
        migrator = _read_migrator(connection)
        _refuse_everybody(connection)
        for role in Role:
            name = role.name_in(migrator.database)
            if not _exists(connection, name):
                if not migrator.makes_roles:
                    missing.append(name)
                    continue
                connection.execute(text(f"CREATE ROLE {_quoted(engine, name)} NOLOGIN"))
            _reset(connection, engine, migrator, name)
            _grant(connection, engine, migrator, name, role)
        for role, password in (passwords or {}).items():
            name = role.name_in(migrator.database)
            if name in missing or not migrator.makes_roles:
                raise ArrearsError(
                    "{migrator} may make no roles, so {role} gets no password. Let a superuser "
                    "run: ALTER ROLE {migrator} CREATEROLE.",
                    migrator=migrator.name,
                    role=name,
                )
            _let_log_in(connection, engine, name, password)
    return missing


def grant_to_role(engine: Engine, role: str) -> None:
    """Give a role that is there the rights of the workers and of the commands that people type, all
    of them and no others. May run repeatedly.

    Raises:
        ArrearsError: there is no such role, or it owns the tables itself.
    """
    with engine.begin() as connection:
        connection.execute(_LOCK)
        migrator = _read_migrator(connection)
        if not _exists(connection, role):
            raise ArrearsError(
                "The database has no role {role}. Make it first: CREATE ROLE {role} LOGIN.",
                role=role,
            )
        _refuse_everybody(connection)
        if role == migrator.name:
            raise ArrearsError(
                "{role} is the role that migrates: it owns the tables, and may change "
                "anything. Name the other one, as which workers, beat and the webhook "
                "connect.",
                role=role,
            )
        _grant(connection, engine, migrator, role, Role.CLI)


def owns_tables(connection: Connection) -> bool:
    """Whether whoever is connected may change the tables, and so all that guards their rows."""
    return bool(
        connection.execute(
            text(
                "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'loan'::regclass"
            )
        ).scalar()
    )


def _grant(
    connection: Connection, engine: Engine, migrator: _Migrator, name: str, role: Role
) -> None:
    quoted = _quoted(engine, name)
    if migrator.owns_database:
        # Only an import of a tape makes temporary tables.
        database = "CONNECT, TEMPORARY" if role is Role.CLI else "CONNECT"
        on = f"ON DATABASE {_quoted(engine, migrator.database)}"
        connection.execute(text(f"REVOKE ALL {on} FROM {quoted}"))
        connection.execute(text(f"GRANT {database} {on} TO {quoted}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
    for kind in ("TABLES", "SEQUENCES"):
        connection.execute(text(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {quoted}"))
    if role is Role.BACKUP:
        connection.execute(text(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}"))
    for statement in _grants(role, quoted, RIGHTS):
        connection.execute(text(statement))
    makes_links = role in (Role.WORKER, Role.CLI)
    words = f"GRANT EXECUTE {_LINKS} TO" if makes_links else f"REVOKE ALL {_LINKS} FROM"
    connection.execute(text(f"{words} {quoted}"))


def _refuse_everybody(connection: Connection) -> None:
    """Let nobody without a right of their own use a table, or call a function or make a trigger of
    it.

    The functions run with the rights of the owner. A trigger that is there fires for everybody.
    """
    if owns_tables(connection):
        connection.execute(text("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC"))
    for name in connection.execute(_OWN_FUNCTIONS).scalars().all():
        connection.execute(text(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC"))


def _reset(connection: Connection, engine: Engine, migrator: _Migrator, name: str) -> None:
    """Undo the settings that a role made for itself, such as where it looks for tables."""
    for in_database in connection.execute(_OWN_SETTINGS, {"name": name}).scalars().all():
        where = f" IN DATABASE {_quoted(engine, migrator.database)}" if in_database else ""
        connection.execute(text(f"ALTER ROLE {_quoted(engine, name)}{where} RESET ALL"))


def _grants(role: Role, quoted: str, tables: Iterable[str]) -> Iterable[str]:
    """One statement for all tables with the same rights; where columns count, one for each."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for table in tables:
        rights = rights_of(role, table)
        words = tuple(f"{word}{columns}" for word, columns in rights.items())
        if any(rights.values()):
            yield f'GRANT {", ".join(words)} ON "{table}" TO {quoted}'
        elif words:
            alike.setdefault(words, []).append(f'"{table}"')
    for words, names in alike.items():
        yield f"GRANT {', '.join(words)} ON {', '.join(names)} TO {quoted}"


def _let_log_in(connection: Connection, engine: Engine, name: str, password: str) -> None:
    # Hashed here: a statement may stand in PostgreSQL's log.
    driver = connection.connection.driver_connection
    hashed = encrypt_password(password, name, driver, "scram-sha-256")
    literal = hashed.replace("'", "''")
    connection.exec_driver_sql(f"ALTER ROLE {_quoted(engine, name)} LOGIN PASSWORD '{literal}'")


def _read_migrator(connection: Connection) -> _Migrator:
    found = connection.execute(
        text("""
            SELECT current_database()::text, r.rolname::text, r.rolcreaterole OR r.rolsuper,
                   pg_has_role(d.datdba, 'MEMBER')
              FROM pg_roles r, pg_database d
             WHERE r.rolname = current_user AND d.datname = current_database()
        """)
    ).one()
    return _Migrator(*found)


def _exists(connection: Connection, name: str) -> bool:
    known = text("SELECT count(*) FROM pg_roles WHERE rolname = :name")
    return bool(connection.execute(known, {"name": name}).scalar())


def _quoted(engine: Engine, name: str) -> str:
    return engine.dialect.identifier_preparer.quote(name)
