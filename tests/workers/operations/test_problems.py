"""What is to be put right: all of it, with its reason, until it is settled."""

from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.loans import Book
from workers.db.action_claims import claim_action
from workers.db.actions import move_actions
from workers.db.problems import note_problem, resolve_problems
from workers.history import loan_history
from workers.inbox.apply import apply_event, dispatch_events
from workers.inbox.discard import discard_event
from workers.inbox.store import store_event
from workers.operations.problems import Problems, read_problems, resolve_problem
from workers.operations.status import NEWEST_REASONS
from workers.payments.payments import Payment, payment_payload

WHY = because(ReasonCode.FAILED_SAYING, error="ArrearsError", message="No template is for fr.")


WHY = because(ReasonCode.FAILED_SAYING, error="ArrearsError", message="No template is for fr.")


def problems_of(book: Book) -> Problems:
    with book.ctx.engine.connect() as connection:
        return read_problems(connection, book.ctx)


def receive_payment(book: Book, number: int, loan: str, currency: str = "CNY") -> int:
    paid = Payment(f"P-{number}", loan, Decimal(10), currency, book.ctx.today())
    with book.ctx.engine.begin() as connection:
        return store_event(
            connection,
            f"payment:P-{number}",
            "payment",
            payment_payload(paid),
            book.ctx.now(),
        )


def test_a_problem_is_shown_while_it_is_open(engine: Engine) -> None:
    book = Book(engine)
    loan_id = book.loan("L-1")
    with engine.begin() as connection:
        reason = because(ReasonCode.ZONE_MISSING)
        note_problem(connection, loan_id, "zone_missing", reason, book.ctx.now())

    (one,) = problems_of(book).loans
    assert (one.loan, one.kind) == ("L-1", "zone_missing")
    assert one.detail == because(ReasonCode.ZONE_MISSING)
    assert one.since.isoformat() == "2026-03-02T10:00:00+08:00"

    with engine.begin() as connection:
        resolve_problems(connection, [loan_id], ("zone_missing",), book.ctx.now())
    assert not problems_of(book).loans


def test_every_event_that_was_not_applied_is_shown_with_its_reason(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")
    rejected = NEWEST_REASONS + 2
    for number in range(rejected):
        apply_event(book.ctx, receive_payment(book, number, "L-1", "USD"))
    apply_event(book.ctx, receive_payment(book, 100, "L-9"))
    apply_event(book.ctx, receive_payment(book, 101, "L-1"))
    receive_payment(book, 102, "L-1")

    *refused, waiting, untried = problems_of(book).events
    assert [event.event for event in refused] == [f"payment:P-{n}" for n in range(rejected)]
    assert {event.status for event in refused} == {"rejected"}
    assert all("in USD and loan L-1 in CNY" in speak(event.reason) for event in refused)
    assert (waiting.event, waiting.status) == ("payment:P-100", "received")
    assert "Loan L-9 is not known" in speak(waiting.reason)
    assert (untried.event, untried.reason) == ("payment:P-102", ())


def test_actions_that_fail_or_were_given_up_are_shown_with_what_to_type(engine: Engine) -> None:
    book = Book(engine)
    for number in (1, 2, 3):
        book.loan(f"L-{number}", due_on="2026-03-01")
        book.escalate(f"L-{number}")  # one after the other: the second one's action is newer
    for loan, to in (("L-1", "failed"), ("L-2", "failed"), ("L-3", "dead")):
        give_up(book, book.action_id(loan, "text_day_1"), ActionStatus(to))

    dead, failing = sorted(problems_of(book).actions, key=lambda action: action.status)
    assert (failing.count, failing.loan, failing.command) == (2, "L-2", "arrears explain L-2")
    assert failing.reason == WHY
    assert dead.command == f"arrears actions show {dead.newest}"


def give_up(book: Book, action_id: int, to: ActionStatus) -> None:
    token, now = uuid4(), book.ctx.now()
    with book.ctx.engine.begin() as connection:
        assert claim_action(connection, action_id, token, now, book.ctx.settings.lease)
        due_at = now if to is ActionStatus.FAILED else None
        move_actions(connection, [action_id], Move(to, WHY, (), due_at), now)


# --- what a person saw to


def test_a_problem_that_somebody_saw_to_is_closed_and_comes_back_with_its_cause(
    engine: Engine,
) -> None:
    book = Book(engine)
    book.staff("ops-1", "supervisor")
    loan_id = book.loan("L-1")

    def found() -> None:
        with engine.begin() as connection:
            reason = because(ReasonCode.SENT_AFTER_ALL, item="text_day_1")
            note_problem(connection, loan_id, "sent_after_all", reason, book.ctx.now())

    found()
    resolve_problem(
        acting(book.ctx, Actor("ops-1")), "L-1", "sent_after_all", why="rang", dry_run=True
    )
    assert len(problems_of(book).loans) == 1
    resolve_problem(acting(book.ctx, Actor("ops-1")), "L-1", "sent_after_all", why="rang")
    assert not problems_of(book).loans
    with pytest.raises(ArrearsError, match="no open problem sent_after_all"):
        resolve_problem(acting(book.ctx, Actor("ops-1")), "L-1", "sent_after_all", why="rang")
    with engine.connect() as connection:
        story = [entry.text for entry in loan_history(connection, book.ctx, "L-1")]
    assert 'The problem (sent after all) was resolved by ops-1. Why: "rang".' in story
    found()
    assert len(problems_of(book).loans) == 1


@pytest.mark.parametrize("currency", ["CNY", "USD"])
def test_an_event_that_will_never_be_applied_is_let_go_and_may_come_anew(
    engine: Engine, currency: str
) -> None:
    """One that waits for its loan, and one that was rejected for its currency."""
    book = Book(engine)
    book.staff("ops-1", "supervisor")
    book.loan("L-1")
    loan = "L-9" if currency == "CNY" else "L-1"
    apply_event(book.ctx, receive_payment(book, 1, loan, currency))
    (event,) = problems_of(book).events
    discard_event(acting(book.ctx, Actor("ops-1")), event.event, why="another house's")
    assert not problems_of(book).events
    with pytest.raises(ArrearsError, match="was discarded"):
        discard_event(acting(book.ctx, Actor("ops-1")), event.event, why="again")
    with pytest.raises(ArrearsError, match="no event X-9"):
        discard_event(acting(book.ctx, Actor("ops-1")), "X-9", why="again")
    assert dispatch_events(book.ctx) == []
    event_id = receive_payment(book, 1, "L-1")
    assert apply_event(book.ctx, event_id).status == "applied", "its id is free again"
