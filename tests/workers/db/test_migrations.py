"""The migrations make exactly the tables that the code describes."""

from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from workers.db.schema import metadata


def test_migrations_and_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.fixture
def both(engine: Engine) -> Engine:
    """The tables as they were migrated, and once more in a schema of their own, as described."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA described"))
        metadata.create_all(connection.execution_options(schema_translate_map={None: "described"}))
    return engine


def test_the_words_that_a_status_may_hold_are_the_same(both: Engine) -> None:
    """Alembic compares no checks, and a word that is missing there would stop a worker."""
    migrated = _checks(both, "public")
    assert migrated["action"]
    assert migrated == _checks(both, "described")


def test_indexes_are_the_same_to_the_last_condition(both: Engine) -> None:
    """Alembic compares no conditions, and an index that leaves out what is asked for is no use."""
    migrated = _indexes(both, "public")
    assert "(status = 'claimed'::text)" in migrated["action_claimed_idx"]
    assert migrated == _indexes(both, "described")


def test_tables_that_change_often_are_vacuumed_often(both: Engine) -> None:
    often = dict.fromkeys(("action", "inbox_event", "message", "outbox_event"), VACUUMED_OFTEN)
    assert _options(both, "public") == often
    assert _options(both, "described") == often


VACUUMED_OFTEN = ["autovacuum_vacuum_scale_factor=0.02"]


def _checks(engine: Engine, schema: str) -> dict[str, set[tuple[str, str]]]:
    inspector = inspect(engine)
    return {
        table.name: {
            (str(check["name"]), check["sqltext"])
            for check in inspector.get_check_constraints(table.name, schema=schema)
        }
        for table in metadata.sorted_tables
    }


def _indexes(engine: Engine, schema: str) -> dict[str, str]:
    found = text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema")
    with engine.connect() as connection:
        rows = connection.execute(found, {"schema": schema}).all()
    ours = {str(index.name) for table in metadata.sorted_tables for index in table.indexes}
    return {
        name: re.sub(rf"\bON {schema}\.", "ON ", written) for name, written in rows if name in ours
    }


def _options(engine: Engine, schema: str) -> dict[str, list[str]]:
    """The storage parameters of the tables that have any."""
    found = text("""
        SELECT relname, reloptions FROM pg_class
         WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'r'
           AND reloptions IS NOT NULL
    """)
    with engine.connect() as connection:
        return {
            row.relname: row.reloptions for row in connection.execute(found, {"schema": schema})
        }
