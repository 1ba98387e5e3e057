"""A stored event wakes a worker at once; where that fails nothing is lost, and nobody waits."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.support.lender import OTHER_SECRET, SECRET, an_event, listen, signed
from tests.support.loans import Book
from workers.db.schema import inbox_event
from workers.http import notify_workers
from workers.http.app import create_app
from workers.http.notify_workers import WorkerNotifier
from workers.inbox.apply import dispatch_events
from workers.queues import EVENTS_PER_MESSAGE


class AwayBroker:
    """A broker that cannot be reached until it is back."""

    def __init__(self) -> None:
        self.tried: list[list[int]] = []
        self.back = False

    def __call__(self, event_ids: list[int]) -> None:
        self.tried.append(event_ids)
        if not self.back:
            raise ConnectionError("not there")


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    listen(book, SECRET)
    return book


def post(book: Book, notify: WorkerNotifier, *, id: str = "evt_1", secret: str = SECRET) -> int:
    body = json.dumps(an_event()).encode()
    headers = signed(body, book.clock.at, id=id, secret=secret)
    with TestClient(create_app(book.ctx, notify)) as client:
        return int(client.post("/events", content=body, headers=headers).status_code)


def test_whoever_stores_an_event_wakes_a_worker_for_it(book: Book) -> None:
    woken: list[list[int]] = []

    assert post(book, WorkerNotifier(woken.append)) == 202

    assert woken == [[book.one(inbox_event).id]]


def test_an_event_that_is_refused_wakes_nobody(book: Book) -> None:
    woken: list[list[int]] = []

    assert post(book, WorkerNotifier(woken.append), secret=OTHER_SECRET) == 401

    assert woken == []


def test_without_a_broker_the_event_is_stored_and_found_by_the_next_sweep(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert post(book, WorkerNotifier(AwayBroker())) == 202

    assert dispatch_events(book.ctx) == [book.one(inbox_event).id]
    assert "not announced at once" in caplog.text


def test_what_comes_in_while_one_event_is_announced_shares_the_next_message() -> None:
    woken: list[list[int]] = []
    wake = WorkerNotifier(woken.append)

    async def four_at_once() -> None:
        await asyncio.gather(*(wake(event_id) for event_id in (1, 2, 3, 4)))
        await wake(5)

    asyncio.run(four_at_once())

    assert woken == [[1], [2, 3, 4], [5]]


def test_no_message_holds_more_events_than_one_may() -> None:
    woken: list[list[int]] = []
    wake = WorkerNotifier(woken.append)

    async def many_at_once() -> None:
        await asyncio.gather(*(wake(event_id) for event_id in range(1 + 2 * EVENTS_PER_MESSAGE)))

    asyncio.run(many_at_once())

    assert [len(ids) for ids in woken] == [1, EVENTS_PER_MESSAGE, EVENTS_PER_MESSAGE]


def test_a_broker_that_is_away_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(notify_workers, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    broker = AwayBroker()
    wake = WorkerNotifier(broker)

    asyncio.run(wake(1))
    asyncio.run(wake(2))
    assert broker.tried == [[1]]

    broker.back = True
    clock[0] += notify_workers.QUIET_FOR
    asyncio.run(wake(3))
    asyncio.run(wake(4))
    assert broker.tried == [[1], [3], [4]]
