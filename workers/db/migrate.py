"""Versions of the schema: migrate the database, or refuse a database of another version."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from domain.errors import ArrearsError
from workers.db.engine import APPLICATION, assert_reachable, connect
from workers.db.migrations.beside import MAY_RUN_BESIDE
from workers.db.schema import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
_USABLE_FROM = " is usable from "
"""Of the comment on the table of the version, as `0056 is usable from 0055`: the revision of the
database, and the oldest one whose release can use it."""


class NewerDatabaseError(ArrearsError):
    """The database was migrated by a newer release, beside which this one cannot work."""


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, to: str = "head") -> None:
    """Migrate the database at `url` to the newest version; does nothing if it has it already.

    Migrations only go forward. `to` names an earlier version, for tests.

    Raises:
        ArrearsError: it cannot be reached, is newer than this release, or has tables without a
        version.
    """
    engine = connect(url)
    try:
        assert_reachable(engine)
        if current := current_revision(engine):
            _refuse_newer(current)
        else:
            _refuse_tables(engine)
    finally:
        engine.dispose()
    command.upgrade(_config(url), to)
    _note_usable_from(url, _last_breaking(to))


def assert_nobody_in_the_way(engine: Engine) -> None:
    """Refuse to migrate while processes of the release before are connected, unless they can work
    beside each revision that is missing. A database without a version has none.

    Raises:
        ArrearsError: they are, and cannot.
    """
    current, head = current_revision(engine), newest_revision()
    if current is None or current == head:
        return
    _refuse_newer(current)
    missing = {script.revision for script in _script().iterate_revisions("head", current)}
    if not (breaking := missing - MAY_RUN_BESIDE.keys()):
        return
    with engine.connect() as connection:
        others = connection.execute(
            text("""
                SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = :application
                   AND pid <> pg_backend_pid()
            """),
            {"application": APPLICATION},
        ).scalar_one()
    if others:
        raise ArrearsError(
            "Processes of the release before are still connected ({others} connection(s)), and "
            "cannot work with revision {revision}. Stop them, and migrate again.",
            others=others,
            revision=min(breaking),
        )


def assert_current(engine: Engine) -> None:
    """Refuse a database of another version, unless a newer release left it usable for this one.

    Raises:
        NewerDatabaseError: it is newer (run the newer release).
        ArrearsError: it is older (migrate it).
    """
    head = newest_revision()
    current = current_revision(engine)
    if current == head:
        return
    if current and not _is_usable(engine, current):
        _refuse_newer(current)
    elif current and current not in _revisions():
        return
    raise ArrearsError(
        "The database is at version {current} and this release needs {head}. "
        "Run `arrears migrate`.",
        current=current or "none",
        head=head,
    )


def newest_revision() -> str | None:
    """The newest revision that this release has. Reads every migration, once in a process."""
    return _script().get_current_head()


def _script() -> ScriptDirectory:
    return _scripts_in(MIGRATIONS)


@cache
def _scripts_in(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder))


def current_revision(engine: Engine) -> str | None:
    """The revision of the database; None: it has none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _revisions() -> list[str]:
    """All that this release knows, the newest first."""
    return [script.revision for script in _script().walk_revisions()]


def _last_breaking(to: str) -> str:
    """The newest revision, up to this one, beside which the release before cannot work."""
    scripts = _script().iterate_revisions(to, "base")
    return next(s.revision for s in scripts if s.revision not in MAY_RUN_BESIDE)


def _note_usable_from(url: str, usable_from: str) -> None:
    engine = connect(url)
    try:
        current = current_revision(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"COMMENT ON TABLE alembic_version IS '{current}{_USABLE_FROM}{usable_from}'"
            )
    finally:
        engine.dispose()


def _is_usable(engine: Engine, current: str) -> bool:
    """Whether a release of this version can use the database, as whoever migrated it said."""
    comment = text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")
    with engine.connect() as connection:
        said: str | None = connection.execute(comment).scalar()
    revision, _, usable_from = (said or "").partition(_USABLE_FROM)
    return revision == current and usable_from in _revisions()


def _refuse_newer(current: str) -> None:
    if current not in _revisions():
        raise NewerDatabaseError(
            "The database is at version {current}, which this release does not know: it "
            "is newer. Run the release that migrated it.",
            current=current,
        )


def _refuse_tables(engine: Engine) -> None:
    """Refuse tables without a version: a migration could damage them."""
    ours = metadata.tables.keys() & set(inspect(engine).get_table_names())
    if ours:
        raise ArrearsError(
            "The database holds the table {ours} but no version (alembic_version). "
            "Restore it whole from its back-up, or name an empty database in "
            "DATABASE_URL.",
            ours=min(ours),
        )
