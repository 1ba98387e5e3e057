"""The migrations make exactly the tables that the code describes."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from workers.store.schema import metadata


def test_migrations_and_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_words_that_a_status_may_hold_are_the_same(engine: Engine) -> None:
    """Alembic compares no checks, and a word that is missing there would stop a worker."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA described"))
        metadata.create_all(connection.execution_options(schema_translate_map={None: "described"}))
    migrated = _checks(engine, "public")
    assert migrated["action"]
    assert migrated == _checks(engine, "described")


def _checks(engine: Engine, schema: str) -> dict[str, set[tuple[str, str]]]:
    inspector = inspect(engine)
    return {
        table.name: {
            (str(check["name"]), check["sqltext"])
            for check in inspector.get_check_constraints(table.name, schema=schema)
        }
        for table in metadata.sorted_tables
    }
