"""A payment that bounced: what it paid is owed again, and nothing that was done is done twice."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, update

from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.events import pay, reverse
from tests.support.loans import Book
from workers.db.schema import allocation, collection_case, instalment, loan, message, payment

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two instalments of 100, one of them past due since yesterday."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", instalments=[Instalment(due, Decimal(100)) for due in (MARCH, APRIL)])
    book.escalate("L-1")
    return book


def paid_of(book: Book) -> dict[date, Decimal]:
    rows = book.rows(select(instalment.c.due_on, instalment.c.paid_principal))
    return {row.due_on: row.paid_principal for row in rows}


def test_a_payment_that_bounced_opens_the_date_it_had_paid(book: Book) -> None:
    pay(book, "100")
    assert book.one(loan).delinquent_since is None

    settled = reverse(book)

    assert settled.reason == because(
        ReasonCode.STILL_PAST_DUE,
        amount="100.00",
        currency="CNY",
        delinquent_since="2026-03-01",
        days_past_due=1,
    )
    assert paid_of(book) == {MARCH: 0, APRIL: 0}
    stands = book.one(loan)
    assert (stands.delinquent_since, stands.review_on) == (MARCH, date(2026, 3, 2))
    assert book.one(payment).reversed_on == date(2026, 3, 2)
    assert len(book.rows(allocation)) == 1, "how it was laid stays on record"


def test_what_was_called_off_comes_back_with_its_arrears(book: Book) -> None:
    pay(book, "100")
    assert book.actions("L-1") == {"text_day_1": "cancelled", "friendly_call": "cancelled"}

    reverse(book)
    book.escalate("L-1")

    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    assert [row.closed_because for row in book.rows(collection_case)] == ["cured", None]


def test_a_text_that_went_out_before_the_payment_does_not_go_out_again(book: Book) -> None:
    book.send("L-1", "text_day_1")
    pay(book, "100")
    reverse(book)
    book.escalate("L-1")

    assert book.actions("L-1")["text_day_1"] == "done"
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert (len(book.sms.sent), len(book.rows(message))) == (1, 1)


def test_the_same_payment_reversed_twice_is_owed_again_once(book: Book) -> None:
    pay(book, "100")
    pay(book, "100", id="P-2")

    first, second = reverse(book), reverse(book, reversed_on="2026-03-03")

    assert (first.status, second.status) == ("applied", "applied")
    assert second.reason == because(ReasonCode.REVERSAL_KNOWN, payment="P-1", on="2026-03-02")
    assert paid_of(book) == {MARCH: 0, APRIL: 100}, "the later payment stays where it was laid"


def test_what_another_payment_had_left_over_pays_what_is_owed_again(book: Book) -> None:
    pay(book, "180")
    pay(book, "50", id="P-2")  # 20 of it for April, and 30 left over
    reverse(book)

    assert paid_of(book) == {MARCH: 30, APRIL: 20}
    left = {row.external_id: row.unallocated for row in book.rows(payment)}
    assert left == {"P-1": 0, "P-2": 0}
    assert sum(row.amount for row in book.rows(allocation)) == 180 + 50


def test_a_reversal_that_overtakes_its_payment_waits_for_it(book: Book) -> None:
    assert reverse(book).status == "received"
    assert reverse(book).reason == because(ReasonCode.PAYMENT_NOT_KNOWN, payment="P-1")


def test_a_payment_cannot_bounce_before_it_was_made(book: Book) -> None:
    pay(book, "100")

    assert reverse(book, reversed_on="2026-03-01").status == "rejected"
    assert book.one(payment).reversed_on is None


def test_the_reversal_of_a_payment_that_the_tape_contains_is_noted_only(book: Book) -> None:
    pay(book, "100")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(tape_as_of=date(2026, 3, 3)))
    book.at("2026-03-04 10:00")

    settled = reverse(book)

    assert (settled.status, settled.reason[0].code) == ("applied", ReasonCode.REVERSAL_IN_TAPE)
    assert paid_of(book) == {MARCH: 100, APRIL: 0}
    assert book.one(payment).reversed_on == date(2026, 3, 4)
