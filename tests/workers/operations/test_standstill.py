"""What stands still is said, and since when: beat, a queue, a task of the schedule, the chain."""

from collections import Counter
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from domain.errors import ArrearsError
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers import bootstrap
from workers.db.signs_of_life import assert_writes_and_reads, did, serves, took, write_signs
from workers.http.app import create_app
from workers.messaging.broker import assert_broker_takes_messages
from workers.messaging.sweeps import SweepRequest
from workers.operations.standstill import StandsStill, find_standstills
from workers.queues import CHAIN_EVIDENCE, DISPATCH_EVENTS, QUEUES, RECONCILE_TEXTS, Queue
from workers.signs_of_life import write_signs_of_life

ALL = [*map(serves, QUEUES), *map(took, QUEUES), did(CHAIN_EVIDENCE), did(RECONCILE_TEXTS)]


@pytest.fixture
def book(engine: Engine) -> Book:
    """An installation whose workers and whose beat work."""
    with engine.begin() as connection:
        write_signs(connection, ALL)
    return Book(engine)


def grow_old(book: Book, *names: str) -> None:
    """An hour passes, and only the other signs are given again."""
    with book.ctx.engine.begin() as connection:
        connection.execute(text("UPDATE sign_of_life SET at = at - interval '1 hour'"))
        write_signs(connection, set(ALL) - set(names))


def standing(book: Book, **depths: int) -> list[tuple[StandsStill, str]]:
    with book.ctx.engine.connect() as connection:
        return [(each.kind, each.what) for each in find_standstills(connection, depths, 60)]


def test_where_everything_moves_nothing_stands_still(book: Book) -> None:
    assert standing(book, sms=5) == []
    grow_old(book, took("sms"))
    assert standing(book) == [], "an empty queue moves nothing"


def test_where_no_worker_ever_ran_nothing_is_said(engine: Engine) -> None:
    assert standing(Book(engine)) == []


def test_a_queue_that_nobody_serves_is_named(book: Book) -> None:
    grow_old(book, serves("sms"), took("sms"))
    assert standing(book, sms=5) == [(StandsStill.NOT_SERVED, "sms")]


def test_a_queue_that_holds_messages_and_does_not_move_is_named(book: Book) -> None:
    grow_old(book, took(Queue.ESCALATE))
    assert standing(book, escalate=5) == [(StandsStill.QUEUE, "escalate")]


def test_a_task_that_does_not_end_well_is_named(book: Book) -> None:
    grow_old(book, did(RECONCILE_TEXTS))
    assert standing(book) == [(StandsStill.TASK, RECONCILE_TEXTS)]


def test_where_nothing_is_started_only_that_is_said(book: Book) -> None:
    grow_old(book, *map(took, QUEUES), did(CHAIN_EVIDENCE), did(RECONCILE_TEXTS))
    assert standing(book, sms=5) == [(StandsStill.BEAT, "dispatch")]


def test_evidence_without_its_link_is_named(book: Book) -> None:
    with all_rights(book.ctx.engine) as connection:
        connection.execute(
            text("""
                INSERT INTO evidence_due (kind, row_id, chain, recorded_at)
                VALUES ('contact', 1, 0, now() - interval '10 minutes')
            """)
        )
    assert standing(book) == [(StandsStill.CHAIN, CHAIN_EVIDENCE)]


def test_status_check_and_health_say_what_stands_still_and_since_when(
    book: Book, database_url: str, broker_url: str
) -> None:
    with TestClient(create_app(book.ctx)) as client:
        assert client.get("/health").json() == {"healthy": True}
        grow_old(book, serves("sms"))
        [found] = client.get("/health").json()["standstills"]
    assert (found["kind"], found["what"]) == ("not_served", "sms")
    environment = an_environment(database_url, broker_url) | {"COLUMNS": "200"}
    for command in ("status", "check"):
        assert "Nobody serves the queue sms since 2" in arrears(environment, command).stdout


def test_a_worker_gives_its_signs_of_what_moved_since_the_last_ones(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = Book(engine).ctx
    settings = ctx.settings.model_copy(update={"database_url": database_url})
    monkeypatch.setattr(bootstrap, "process_context", lambda: type("C", (), {"settings": settings}))
    monkeypatch.setattr(SweepRequest, "ended_well", {DISPATCH_EVENTS})
    write_signs_of_life(["dispatch", "sms"], Counter({DISPATCH_EVENTS: 3, "celery.ping": 1}))
    with engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM sign_of_life ORDER BY name")).scalars()
        assert [*names] == sorted(
            [serves("dispatch"), serves("sms"), took("dispatch"), did(DISPATCH_EVENTS)]
        )
    assert SweepRequest.ended_well == set()


def test_a_database_that_takes_no_row_is_not_well(engine: Engine) -> None:
    assert_writes_and_reads(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE sign_of_life ADD CHECK (name = 'x') NOT VALID"))
    with pytest.raises(ArrearsError, match="cannot be written to"):
        assert_writes_and_reads(engine)


@pytest.fixture
def full_broker(broker_url: str) -> Iterator[str]:
    with redis.Redis.from_url(broker_url) as client:
        client.config_set("maxmemory", "1")
        yield broker_url
        client.config_set("maxmemory", "0")


def test_a_full_broker_is_named_by_check(database_url: str, full_broker: str) -> None:
    with pytest.raises(ArrearsError, match="memory is full"):
        assert_broker_takes_messages(full_broker)
    done = arrears(an_environment(database_url, full_broker), "check")
    assert (done.returncode, "The broker's memory is full" in done.stderr) == (2, True)
