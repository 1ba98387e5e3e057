"""The schema's versions: move the database to the newest, or refuse to work with another."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from domain.errors import ArrearsError
from workers.store.engine import assert_reachable, connect

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Move the database at `url` to the newest version; nothing happens if it is there already."""
    engine = connect(url)
    try:
        assert_reachable(engine)
    finally:
        engine.dispose()
    command.upgrade(_config(url), "head")


def assert_current(engine: Engine) -> None:
    """Refuse to work with a database of another version.

    Raises:
        ArrearsError: it is older (migrate it) or newer (run the newer release).
    """
    script = ScriptDirectory.from_config(_config(""))
    head = script.get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    if current is None or current in {revision.revision for revision in script.walk_revisions()}:
        raise ArrearsError(
            f"The database is at version {current or 'none'} and this release needs {head}. "
            "Run `arrears migrate`."
        )
    raise ArrearsError(
        f"The database is at version {current}, which this release does not know: it is newer. "
        "Run the release that migrated it."
    )
