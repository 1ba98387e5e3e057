"""What is to be put right: all of it, with its reason, until it is settled."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from sqlalchemy import Engine

from domain.statuses import ActionStatus
from tests.support.loans import Book
from workers import inbox
from workers.open_problems import Problems, read_problems
from workers.payments import Payment
from workers.status import SENTENCES
from workers.store.actions import Move, claim_action, move_actions
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
        resolve_problems(connection, [loan_id], ("zone_missing",), book.house.now())
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


def test_actions_that_fail_or_were_given_up_are_shown_with_what_to_type(engine: Engine) -> None:
    book = Book(engine)
    for number in (1, 2, 3):
        book.loan(f"L-{number}", due_on="2026-03-01")
    book.escalate("L-1", "L-2", "L-3")
    for loan, to in (("L-1", "failed"), ("L-2", "failed"), ("L-3", "dead")):
        give_up(book, book.action_id(loan, "text_day_1"), ActionStatus(to))

    dead, failing = sorted(problems_of(book).actions, key=lambda one: one.status)
    assert (failing.count, failing.loan, failing.command) == (2, "L-2", "arrears explain L-2")
    assert failing.reason == "No template is for fr."
    assert dead.command == f"arrears dead show {dead.newest}"


def give_up(book: Book, action_id: int, to: ActionStatus) -> None:
    token, now = uuid4(), book.house.now()
    with book.house.engine.begin() as connection:
        assert claim_action(connection, action_id, token, now, book.house.settings.lease)
        due_at = now if to is ActionStatus.FAILED else None
        move_actions(connection, [action_id], Move(to, "No template is for fr.", (), due_at), now)
