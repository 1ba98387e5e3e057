"""What is to be put right: all of it, with its reason, until it is settled."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Engine

from tests.support.loans import Book
from workers import inbox
from workers.open_problems import Problems, read_problems
from workers.payments import Payment
from workers.status import SENTENCES
from workers.store.problems import note_problem, resolve_problems


def problems_of(book: Book) -> Problems:
    with book.house.engine.connect() as connection:
        return read_problems(connection, book.house.settings.lender_zone)


def receive_payment(book: Book, number: int, loan: str, currency: str = "CNY") -> int:
    paid = Payment(f"P-{number}", loan, Decimal(10), currency, book.house.today())
    with book.house.engine.begin() as connection:
        return inbox.receive(
            connection,
            f"payment:P-{number}",
            "payment",
            inbox.payment_payload(paid),
            book.house.now(),
        )


def test_a_problem_is_shown_while_it_is_open(engine: Engine) -> None:
    book = Book(engine)
    loan_id = book.loan("L-1")
    with engine.begin() as connection:
        note_problem(connection, loan_id, "zone_missing", "No zone is known.", book.house.now())

    (one,) = problems_of(book).loans
    assert (one.loan, one.kind, one.detail) == ("L-1", "zone_missing", "No zone is known.")
    assert one.since.isoformat() == "2026-03-02T10:00:00+08:00"

    with engine.begin() as connection:
        resolve_problems(connection, [loan_id], "zone_missing", book.house.now())
    assert problems_of(book).loans == ()


def test_every_event_that_was_not_applied_is_shown_with_its_reason(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    rejected = SENTENCES + 2
    for number in range(rejected):
        inbox.apply_event(book.house, receive_payment(book, number, "L-1", "USD"))
    inbox.apply_event(book.house, receive_payment(book, 100, "L-9"))
    inbox.apply_event(book.house, receive_payment(book, 101, "L-1"))
    receive_payment(book, 102, "L-1")

    *refused, waiting, untried = problems_of(book).events
    assert [one.event for one in refused] == [f"payment:P-{n}" for n in range(rejected)]
    assert {one.status for one in refused} == {"rejected"}
    assert all("in USD and loan L-1 in CNY" in str(one.reason) for one in refused)
    assert (waiting.event, waiting.status) == ("payment:P-100", "received")
    assert "Loan L-9 is not known" in str(waiting.reason)
    assert (untried.event, untried.reason) == ("payment:P-102", None)
