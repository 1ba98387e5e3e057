"""A stored event wakes a worker at once; where that fails nothing is lost, and nobody waits."""

from __future__ import annotations

import json
import logging

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.support.lender import OTHER_SECRET, SECRET, an_event, listen, signed
from tests.support.loans import Book
from workers.inbox import wake_events
from workers.store.schema import inbox_event
from workers.webhooks import waking
from workers.webhooks.app import create_app
from workers.webhooks.waking import Waker


class AwayBroker:
    """A broker that cannot be reached until it is back."""

    def __init__(self) -> None:
        self.tried: list[int] = []
        self.back = False

    def __call__(self, event_id: int) -> None:
        self.tried.append(event_id)
        if not self.back:
            raise ConnectionError("not there")


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    listen(book, SECRET)
    return book


def post(book: Book, wake: Waker, *, id: str = "evt_1", secret: str = SECRET) -> int:
    body = json.dumps(an_event()).encode()
    headers = signed(body, book.clock.at, id=id, secret=secret)
    with TestClient(create_app(book.house, wake)) as client:
        return int(client.post("/events", content=body, headers=headers).status_code)


def test_whoever_stores_an_event_wakes_a_worker_for_it(book: Book) -> None:
    woken: list[int] = []

    assert post(book, Waker(woken.append)) == 202

    assert woken == [book.one(inbox_event).id]


def test_an_event_that_is_refused_wakes_nobody(book: Book) -> None:
    woken: list[int] = []

    assert post(book, Waker(woken.append), secret=OTHER_SECRET) == 401

    assert woken == []


def test_without_a_broker_the_event_is_stored_and_found_by_the_next_sweep(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert post(book, Waker(AwayBroker())) == 202

    assert wake_events(book.house) == [book.one(inbox_event).id]
    assert "not announced at once" in caplog.text


def test_a_broker_that_is_away_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(waking.time, "monotonic", lambda: clock[0])
    broker = AwayBroker()
    wake = Waker(broker)

    wake(1)
    wake(2)
    assert broker.tried == [1]

    broker.back = True
    clock[0] += waking.QUIET_FOR
    wake(3)
    wake(4)
    assert broker.tried == [1, 3, 4]
