"""For which moment a collector can agree on a callback, as Arrears itself answers."""

from dataclasses import replace
from datetime import datetime

from domain.contact_outcomes import ContactOutcome
from domain.events import LENDER, RejectedError
from tests.support.loans import Book
from workers.attempts.conversations import ReportedOutcome
from workers.attempts.outcomes import record_outcome


def agreed_callback(book: Book, attempt: str, actor: str, wished: datetime) -> datetime | None:
    """The moment that is wished for, or else the one that the refusal names; None: it names none.
    Nothing is recorded."""
    asked = ReportedOutcome(
        attempt=attempt,
        outcome=ContactOutcome.CALLBACK_REQUESTED,
        reason=None,
        actor=actor,
        callback_at=wished,
        sender=LENDER,
    )
    until = _refused(book, asked)
    if until is None or until == wished:
        return until
    assert _refused(book, replace(asked, callback_at=until)) == until, "it is taken then"
    return until


def _refused(book: Book, asked: ReportedOutcome) -> datetime | None:
    with book.ctx.engine.connect() as connection:
        try:
            record_outcome(connection, book.ctx, asked)
        except RejectedError as refused:
            until = refused.reason[0].params.get("until")
            return datetime.fromisoformat(str(until)) if until else None
        finally:
            connection.rollback()
    return asked.callback_at
