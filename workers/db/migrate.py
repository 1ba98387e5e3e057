"""Versions of the schema: migrate the database, or refuse a database of another version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from domain.errors import ArrearsError
from workers.db.engine import assert_reachable, connect
from workers.db.schema import metadata

MIGRATIONS = Path(__file__).parent / "migrations"


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
        if current := _current(engine):
            _refuse_newer(current)
        else:
            _refuse_tables(engine)
    finally:
        engine.dispose()
    command.upgrade(_config(url), to)


def assert_current(engine: Engine) -> None:
    """Refuse a database of another version.

    Raises:
        ArrearsError: it is older (migrate it) or newer (run the newer release).
    """
    head = _script().get_current_head()
    current = _current(engine)
    if current == head:
        return
    if current:
        _refuse_newer(current)
    raise ArrearsError(
        "The database is at version {current} and this release needs {head}. "
        "Run `arrears migrate`.",
        current=current or "none",
        head=head,
    )


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(""))


def _current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(current: str) -> None:
    if current not in {revision.revision for revision in _script().walk_revisions()}:
        raise ArrearsError(
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
