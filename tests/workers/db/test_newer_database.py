"""Two releases and one database: which may run beside the other, and what the older one does."""

from threading import Event
from types import SimpleNamespace

import pytest
from celery.signals import beat_init
from celery.worker import state
from sqlalchemy import Engine, text

import workers.app
import workers.bootstrap
from domain.errors import ArrearsError
from workers.db import migrate
from workers.db.engine import connect
from workers.db.migrate import NewerDatabaseError, assert_current, assert_nobody_in_the_way
from workers.http import server
from workers.newer_database import stop_at_newer_database, watch_database


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
    assert "This process stops: The database is at version 9999" in caplog.text
    assert "Run the release that migrated it" in caplog.text


def test_what_is_no_worker_stops_too_and_not_before(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Beat, the webhook, the API and the desk look from time to time."""
    url = engine.url.render_as_string(hide_password=False)
    ended = Event()
    set_version(engine, "9999", usable_from="0001")
    watching = watch_database(url, ended.set, every=0.05)
    assert not ended.is_set()
    set_version(engine, "9999", usable_from="9998")
    assert ended.wait(30)
    watching.join(30)
    assert caplog.text.count("This process stops: The database is at version 9999") == 1


def test_beat_and_the_servers_watch_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched: list[str] = []
    settings = SimpleNamespace(database_url="postgresql://here")
    for module in (workers.bootstrap, server):
        monkeypatch.setattr(
            module, "process_context", lambda *_: SimpleNamespace(settings=settings)
        )
    for module in (workers.app, server):
        monkeypatch.setattr(module, "watch_database", watched.append)
    monkeypatch.setattr(server.uvicorn, "run", lambda *_, **__: None)
    beat_init.send(sender=None)
    server.serve("create_app", "127.0.0.1", 1)
    assert watched == ["postgresql://here"] * 2


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
