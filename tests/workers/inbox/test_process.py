"""Events from outside wait in the store until they are applied, and are announced until then."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from domain.events import InboxStatus
from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.db.schema import inbox_event, payment
from workers.inbox.apply import EventResult, apply_event, dispatch_events
from workers.inbox.kinds import EVENT_KINDS
from workers.inbox.store import store_event

PAYMENT = {
    "external_id": "P-1",
    "loan": "L-1",
    "amount": "30.00",
    "currency": "CNY",
    "paid_on": "2026-03-02",
}


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00")


def event(book: Book, name: str = "P-1", **changed: str) -> int:
    """A payment that came in, as the store holds it. Gives the event's id."""
    payload = PAYMENT | {"external_id": name} | changed
    with book.ctx.engine.begin() as connection:
        return store_event(connection, f"payment:{name}", "payment", payload, book.ctx.now())


def woken(book: Book, limit: int) -> list[int]:
    return dispatch_events(book.ctx, limit=limit)


def after_the_lease(book: Book) -> None:
    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)


def test_an_event_is_announced_once(book: Book) -> None:
    stored = event(book)

    assert dispatch_events(book.ctx) == [stored]
    assert dispatch_events(book.ctx) == []


def test_an_event_whose_announcement_was_lost_is_announced_again_when_the_lease_ends(
    book: Book,
) -> None:
    stored = event(book)
    dispatch_events(book.ctx)

    book.clock.at += book.ctx.settings.lease
    assert dispatch_events(book.ctx) == [], "it may still be on its way"
    after_the_lease(book)
    assert dispatch_events(book.ctx) == [stored]


def test_the_oldest_events_come_first_and_no_more_at_once_than_were_asked_for(book: Book) -> None:
    stored = [event(book, f"P-{n}") for n in range(5)]

    assert woken(book, limit=2) == stored[:2]
    assert woken(book, limit=2) == stored[2:4]
    assert woken(book, limit=2) == stored[4:]


def test_new_events_come_before_those_that_waited_and_of_these_the_longest_first(
    book: Book,
) -> None:
    stored = [event(book, f"P-{n}") for n in range(5)]
    woken(book, limit=2)
    book.clock.at += timedelta(seconds=1)
    woken(book, limit=2)

    after_the_lease(book)

    assert woken(book, limit=1) == stored[4:], "it has not been tried at all"
    assert woken(book, limit=2) == stored[:2]
    assert woken(book, limit=2) == stored[2:4]


def test_an_event_that_was_settled_is_not_announced_any_more(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    applied, rejected = event(book), event(book, "P-2", currency="USD")
    assert apply_event(book.ctx, applied).status == "applied"
    assert apply_event(book.ctx, rejected).status == "rejected"

    assert dispatch_events(book.ctx) == []


def test_the_same_event_twice_is_stored_once(book: Book) -> None:
    assert event(book) == event(book)
    assert len(book.rows(inbox_event)) == 1


def test_an_event_that_nobody_foresaw_is_kept_with_its_reason_and_holds_up_no_other(
    book: Book,
) -> None:
    book.loan("L-1", due_on="2026-03-01")
    broken, good = event(book, "P-1", paid_on="yesterday"), event(book, "P-2")

    settled = [apply_event(book.ctx, event_id) for event_id in dispatch_events(book.ctx)]

    assert settled[0] == EventResult(
        InboxStatus.RECEIVED, because(ReasonCode.FAILED, error="ValidationError")
    )
    assert settled[1].status == "applied"
    kept = {row.id: row for row in book.rows(inbox_event)}
    assert (kept[broken].status, kept[broken].completed_at) == ("received", None)
    assert kept[broken].reason == because(ReasonCode.FAILED, error="ValidationError")
    assert kept[good].status == "applied"
    after_the_lease(book)
    assert dispatch_events(book.ctx) == [broken], "it is tried again"


def test_an_event_that_fails_half_way_leaves_nothing_of_it_behind(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.loan("L-1", due_on="2026-03-01")
    stored = event(book)
    payments = EVENT_KINDS["payment"]

    def pays_and_falls_over(*given: object) -> str:
        payments.apply(*given)  # type: ignore[arg-type]
        raise ZeroDivisionError

    monkeypatch.setitem(EVENT_KINDS, "payment", replace(payments, apply=pays_and_falls_over))
    assert apply_event(book.ctx, stored).status == "received"
    assert book.rows(payment) == []

    monkeypatch.undo()
    assert apply_event(book.ctx, stored).status == "applied"
    assert book.one(payment).amount == 30


RECEIPT = {
    "provider": "twilio",
    "message_id": "7d0c1f0a-8f2e-4c7e-9d5a-3f1f6f0a2b11",
    "sid": "SM1",
    "word": "delivered",
    "status": "delivered",
    "code": None,
}


@pytest.mark.parametrize(
    ("hours", "status"), [(0, "received"), (24, "received"), (24.01, "rejected")]
)
def test_a_receipt_waits_a_day_for_its_message(book: Book, hours: float, status: str) -> None:
    with book.ctx.engine.begin() as connection:
        stored = store_event(connection, "twilio:SM1", "receipt", RECEIPT, book.ctx.now())

    book.clock.at += timedelta(hours=hours)

    assert apply_event(book.ctx, stored).status == status


def test_a_payment_waits_for_its_loan_without_end(book: Book) -> None:
    stored = event(book)
    book.clock.at += timedelta(days=400)
    assert apply_event(book.ctx, stored).status == "received"


def test_what_waited_for_a_payment_is_announced_as_soon_as_it_has_come(book: Book) -> None:
    book.loan("L-1")
    with book.ctx.engine.begin() as connection:
        payload = {"payment": "P-1", "reversed_on": "2026-03-02"}
        bounced = store_event(connection, "R-1", "reversal", payload, book.ctx.now())
    dispatch_events(book.ctx)
    assert apply_event(book.ctx, bounced).status == "received"
    paid = event(book)
    dispatch_events(book.ctx)

    assert apply_event(book.ctx, paid).status == "applied"

    assert dispatch_events(book.ctx) == [bounced], "not only when its lease has ended"


def test_an_event_that_is_corrected_is_announced_at_once(book: Book) -> None:
    book.loan("L-1")
    wrong = event(book, currency="USD")
    dispatch_events(book.ctx)
    assert apply_event(book.ctx, wrong).status == "rejected"

    assert event(book, currency="CNY") == wrong
    assert dispatch_events(book.ctx) == [wrong]
    assert apply_event(book.ctx, wrong).status == "applied"
