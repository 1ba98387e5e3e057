"""A move between the statuses of an event that is not drawn changes nothing, whoever asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, insert, select

from domain.events import INBOX_MOVES, OUTBOX_MOVES, InboxStatus, OutboxStatus
from domain.moves import sources
from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.db import inbox, inbox_queue, outbox
from workers.db.schema import inbox_event, outbox_event

MOVED = because(ReasonCode.SUPERSEDED)


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine)
    book.loan("L-1")
    return book


def record(connection: Connection, book: Book, event_id: int, to: InboxStatus) -> None:
    row = {"id": event_id, "status": to, "reason": MOVED, "completed_at": book.clock.at}
    inbox_queue.record_results(connection, [row])


def discard(connection: Connection, book: Book, event_id: int, to: InboxStatus) -> None:
    inbox.discard_event(connection, event_id, MOVED, book.clock.at)


def correct(connection: Connection, book: Book, event_id: int, to: InboxStatus) -> None:
    held_back = inbox.HeldBack(True, False, False)
    known = inbox.event_of_row(connection, event_id)
    inbox.correct_event(connection, known, {}, held_back, book.clock.at)


MOVED_BY: dict[InboxStatus, Callable[[Connection, Book, int, InboxStatus], None]] = {
    InboxStatus.APPLIED: record,
    InboxStatus.REJECTED: record,
    InboxStatus.DISCARDED: discard,
    InboxStatus.RECEIVED: correct,
}


@contextmanager
def an_event_in(book: Book, status: InboxStatus) -> Iterator[tuple[Connection, int]]:
    """A stored event of that status, in a transaction that is rolled back."""
    with book.ctx.engine.connect() as connection:
        values = {
            "sender": "lender",
            "external_id": "E-1",
            "kind": "payment",
            "payload": {},
            "stops_contact": True,
            "reaches_number": False,
            "reaches_address": False,
            "status": status,
            "received_at": book.clock.at,
        }
        result = connection.execute(insert(inbox_event).values(values).returning(inbox_event.c.id))
        yield connection, result.scalar_one()


def test_an_event_moves_only_where_its_table_says(book: Book) -> None:
    for status in InboxStatus:
        for to, move in MOVED_BY.items():
            with an_event_in(book, status) as (connection, event_id):
                before = connection.execute(select(inbox_event)).one()
                move(connection, book, event_id, to)
                after = connection.execute(select(inbox_event)).one()
            if to in INBOX_MOVES[status]:
                assert after.status == to, (status, to)
            elif to != status:
                assert after == before, (status, to)


def test_a_result_is_recorded_of_received_events_only(book: Book) -> None:
    for status in set(InboxStatus) - {InboxStatus.RECEIVED}:
        with an_event_in(book, status) as (connection, event_id):
            record(connection, book, event_id, InboxStatus.RECEIVED)
            assert connection.execute(select(inbox_event.c.status)).scalar_one() == status


def test_an_event_out_moves_only_where_its_table_says(book: Book) -> None:
    for status in OutboxStatus:
        for to in set(OutboxStatus) - {status}:
            with book.ctx.engine.connect() as connection:
                event_id = uuid4()
                waits = status is OutboxStatus.WAITING
                values = {
                    "event_id": event_id,
                    "loan_id": book.loan_id("L-1"),
                    "kind": "text.sent",
                    "payload": {},
                    "happened_at": book.clock.at,
                    "status": status,
                    "due_at": book.clock.at if waits else None,
                    "attempts": 1,
                }
                connection.execute(insert(outbox_event).values(values))
                row = connection.execute(select(outbox_event)).one()
                if to is OutboxStatus.WAITING:
                    outbox.requeue(connection, book.clock.at, event_id=event_id)
                else:
                    event = outbox.ClaimedEvent(
                        row.id, event_id, row.loan_id, "L-1", row.kind, {}, row.happened_at, 1
                    )
                    outbox.complete(connection, event, to, book.clock.at + timedelta(seconds=1))
                after = connection.execute(select(outbox_event)).one()
            expected = to if to in OUTBOX_MOVES[status] else status
            assert after.status == expected, (status, to)


def test_every_status_has_its_moves_and_an_applied_event_is_final() -> None:
    assert sources(INBOX_MOVES, InboxStatus.APPLIED) == {InboxStatus.RECEIVED}
    assert INBOX_MOVES[InboxStatus.APPLIED] == frozenset()
    assert set(INBOX_MOVES) == set(InboxStatus)
    assert set(OUTBOX_MOVES) == set(OutboxStatus)
