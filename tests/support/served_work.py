"""Collectors on shift, calls that are theirs, and the work that they are served."""

from datetime import datetime

from domain.actors import Actor
from tests.support.acting import acting
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.context import Context
from workers.inbox.submit import submit
from workers.staff import next_work
from workers.staff.next_work import NothingToServe, ServedWork

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")


def collector(book: Book, reference: str = "c-1") -> Context:
    return acting(book.ctx, Actor(reference))


def hired(book: Book, reference: str, capacity: int = 100) -> Context:
    book.staff(reference, "caller", capacity=capacity, shift=TODAY)
    return collector(book, reference)


def assigned(book: Book, loan: str, amount: str = "1000", borrower: str = "") -> None:
    book.loan(loan, due_on="2026-03-01", amount=amount, borrower_id=borrower)
    book.escalate(loan)
    assert assign_call(book.ctx, book.action_id(loan, "friendly_call")) == "assigned"


def served(who: Context) -> ServedWork:
    work = next_work.next_for(who)
    assert isinstance(work, ServedWork)
    return work


def nothing(who: Context) -> NothingToServe:
    work = next_work.next_for(who)
    assert isinstance(work, NothingToServe)
    return work


def called(
    book: Book, who: Context, loan: str, outcome: str = "no_answer", at: datetime | None = None
) -> None:
    """Start the call that was served, and report what came of it."""
    started = start_call(who, loan)
    reported(book, who, started.attempt, outcome, at)


def reported(
    book: Book, who: Context, attempt: str | None, outcome: str, at: datetime | None = None
) -> None:
    payload = {"attempt": attempt, "outcome": outcome, "actor": who.actor.reference}
    payload |= {"reason": "forgot" if outcome == "spoke" else None}
    payload |= {"callback_at": at.isoformat()} if at else {}
    assert submit(book.ctx, f"o:{attempt}", "contact_outcome", payload).status == "applied"
