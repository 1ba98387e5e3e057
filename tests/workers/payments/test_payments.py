"""Money that comes in moves the anchor, calls off what it made needless, and counts once."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.db.schema import allocation, collection_case, inbox_event, loan, payment
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.store import store_event
from workers.payments.payments import Payment, payment_payload

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def three_instalments() -> list[Instalment]:
    return [Instalment(due, Decimal(80), Decimal(20), Decimal(5)) for due in (MARCH, APRIL, MAY)]


def pay(
    book: Book, amount: str, *, id: str = "P-1", currency: str = "CNY", loan: str = "L-1"
) -> EventResult:
    paid = Payment(id, loan, Decimal(amount), currency, book.ctx.today())
    with book.ctx.engine.begin() as connection:
        event_id = store_event(
            connection, f"payment:{id}", "payment", payment_payload(paid), book.ctx.now()
        )
    return apply_event(book.ctx, event_id)


def test_a_part_payment_lowers_the_amount_and_leaves_delinquent_since(engine: Engine) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())
    book.escalate("L-1")

    pay(book, "30")

    assert book.one(loan).delinquent_since == MARCH
    apply_allocations = [(row.due_on, row.component, row.amount) for row in book.rows(allocation)]
    assert sorted(apply_allocations) == [
        (MARCH, "fees", 5),
        (MARCH, "interest", 20),
        (MARCH, "principal", 5),
    ]
    assert "cancelled" not in book.actions("L-1").values()


def test_paying_the_oldest_instalment_moves_delinquent_since_and_calls_off_its_actions(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())
    book.escalate("L-1")
    assert book.actions("L-1")["field_visit"] == "planned"

    pay(book, "105")

    assert book.actions("L-1")["field_visit"] == "cancelled"
    assert book.action("L-1", "field_visit").reason == because(ReasonCode.SUPERSEDED)
    assert book.one(loan).delinquent_since == APRIL
    book.escalate("L-1")
    assert book.action("L-1", "enquiry_call").ladder_since == APRIL, "day 9 of the newer arrears"


def test_paying_all_that_is_past_due_cures_the_case(engine: Engine) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())
    book.escalate("L-1")

    pay(book, "210")

    assert book.one(collection_case).closed_because == "cured"
    waiting = {"planned", "deferred", "failed", "awaiting_approval"}
    assert not waiting & set(book.actions("L-1").values())
    row = book.one(select(loan.c.delinquent_since, loan.c.review_on))
    assert (row.delinquent_since, row.review_on) == (None, date(2026, 5, 2))


def test_the_same_payment_twice_counts_once(engine: Engine) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())

    first, second = pay(book, "30"), pay(book, "30")

    assert first.status == second.status == "applied"
    assert len(book.rows(payment)) == 1


def test_a_payment_for_a_loan_not_known_yet_is_kept_and_applied_when_it_comes(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-04-10 10:00")

    settled = pay(book, "30")
    assert (settled.status, "L-1 is not known" in speak(settled.reason)) == ("received", True)

    book.loan("L-1", instalments=three_instalments())
    again = apply_event(book.ctx, book.one(inbox_event).id)
    assert again.status == "applied"
    assert len(book.rows(payment)) == 1


def test_a_payment_in_another_currency_is_rejected_and_kept_with_its_reason(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())

    settled = pay(book, "30", currency="USD")

    assert settled.status == "rejected"
    kept = book.one(inbox_event)
    assert "in USD and loan L-1 in CNY" in speak(kept.reason)
    assert book.rows(payment) == []


@pytest.mark.parametrize(("amount", "left"), [("315", 0), ("400", 85)])
def test_what_is_left_over_once_all_is_paid_is_on_record(
    engine: Engine, amount: str, left: int
) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())

    pay(book, amount)

    assert book.one(payment).unallocated == left
    assert book.one(loan).review_on is None


def test_a_mistyped_payment_is_corrected_while_nothing_came_of_it(engine: Engine) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())
    assert pay(book, "30", loan="L-l").status == "received"

    assert pay(book, "30", loan="L-1").status == "applied"
    assert book.one(payment).amount == 30


def test_another_amount_under_the_id_of_an_applied_payment_is_refused(engine: Engine) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())
    pay(book, "30")

    with pytest.raises(ArrearsError, match="on record with other contents"):
        pay(book, "40")


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        *(("0.001", "more decimal places"), ("0.00001", "more decimal places")),
        *((amount, "not an amount") for amount in ("1e30", "0", "-5")),
    ],
)
def test_an_amount_that_nobody_can_pay_is_rejected_with_its_reason(
    engine: Engine, amount: str, says: str
) -> None:
    book = Book(engine, now="2026-04-10 10:00")
    book.loan("L-1", instalments=three_instalments())

    settled = pay(book, amount)

    assert (settled.status, says in speak(settled.reason)) == ("rejected", True)
    assert book.rows(payment) == []


def test_a_payment_of_a_day_to_come_pays_nothing(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    tomorrow = Payment("P-1", "L-1", Decimal(10), "CNY", date(2027, 3, 2))
    with book.ctx.engine.begin() as connection:
        payload = payment_payload(tomorrow)
        event_id = store_event(connection, "P-1", "payment", payload, book.ctx.now())

    settled = apply_event(book.ctx, event_id)

    assert (settled.status, "has not come yet" in speak(settled.reason)) == ("rejected", True)
    assert book.rows(payment) == book.rows(allocation) == []
