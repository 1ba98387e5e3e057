"""Two releases and one database: which may run beside the other, and what the older one does."""

import pytest
from celery.worker import state
from sqlalchemy import Engine, text

from domain.errors import ArrearsError
from workers.db import migrate
from workers.db.engine import connect
from workers.db.migrate import NewerDatabaseError, assert_current, assert_nobody_in_the_way
from workers.newer_database import stop_at_newer_database


def set_version(engine: Engine, version: str, usable_from: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        connection.execute(
            text(f"COMMENT ON TABLE alembic_version IS '{version} is usable from {usable_from}'")
        )


def test_a_worker_stops_at_a_newer_database_unless_it_may_run_beside_the_release(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(state, "should_stop", None)
    stop_at_newer_database(engine)
    set_version(engine, "9999", usable_from="0001")
    assert_current(engine)
    stop_at_newer_database(engine)
    assert state.should_stop is None

    set_version(engine, "9999", usable_from="9998")
    with pytest.raises(NewerDatabaseError, match="9999"):
        assert_current(engine)
    stop_at_newer_database(engine)
    assert (state.should_stop, state.should_stop is False) == (0, False)
    assert "This worker stops: The database is at version 9999" in caplog.text


def test_nothing_is_migrated_under_processes_that_cannot_work_with_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, before, *_ = migrate._revisions()
    set_version(engine, before, usable_from=before)
    monkeypatch.setattr(migrate, "MAY_RUN_BESIDE", {})
    older = connect(engine.url.render_as_string(hide_password=False))
    with older.connect():
        with pytest.raises(ArrearsError, match=f"cannot work with revision {newest}"):
            assert_nobody_in_the_way(engine)
        monkeypatch.setattr(migrate, "MAY_RUN_BESIDE", {newest: "it only adds"})
        assert_nobody_in_the_way(engine)
        assert migrate._last_breaking("head") == before
    older.dispose()


def test_a_migrated_database_says_which_releases_can_use_it(engine: Engine) -> None:
    with engine.connect() as connection:
        said = connection.execute(
            text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")
        ).scalar()
    assert said == f"{migrate.newest_revision()} is usable from {migrate._last_breaking('head')}"
