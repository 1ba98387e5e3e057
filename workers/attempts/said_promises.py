"""The promise that was made in a conversation: recorded once, and found again."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, or_, select

from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons
from workers.attempts.conversations import (
    Conversation,
    LoanOfContact,
    SaidPromise,
    loans_of_contact,
)
from workers.context import Context
from workers.db.parties import loans_of
from workers.db.persons import records_of_person
from workers.db.promises import OF_CONVERSATION, STORED, StoredPromise, stored_promise
from workers.db.schema import contact_outcome, loan, promise
from workers.hardship.means import kept_means
from workers.hardship.promises import NewPromise, record_promise


def _check_is_theirs(connection: Connection, about: Conversation, external_id: str) -> None:
    """Refuse a promise about a loan of somebody else. `record_promise` refuses an unknown loan."""
    theirs = loan.c.id.in_(loans_of(records_of_person(about.record)))
    named = select(or_(theirs, loan.c.id.in_(about.loan_ids)))
    if connection.execute(named.where(loan.c.external_id == external_id)).scalar() is False:
        raise RejectedError(ReasonCode.LOAN_OF_SOMEBODY_ELSE, loan=external_id)


def _id_of_promise(about: Conversation) -> str:
    return f"{OF_CONVERSATION}{about.attempt}"


def record_said_promise(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    said: SaidPromise,
    first: LoanOfContact,
) -> Reasons:
    """Record the promise, about the loan that it names, or the first one of the conversation.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: it is a loan of somebody else, or the promise cannot be taken.
    """
    if said.loan is not None:
        _check_is_theirs(connection, about, said.loan)
    new = NewPromise(
        promise=_id_of_promise(about),
        loan=said.loan or first.external_id,
        amount=said.amount,
        currency=said.currency,
        due_on=said.due_on,
        parts=said.parts,
        agreed_by=said.agreed_by,
        can_pay_monthly=said.can_pay_monthly,
        borrower=about.borrower,
        actor=about.actor,
        sender=about.sender,
        in_conversation=True,
    )
    return record_promise(connection, ctx, new)


def says_another_promise(connection: Connection, about: Conversation, now: datetime) -> bool:
    """Whether an outcome that is reported once more has another promise than is on record, under
    whatever id. The promise on record may be a little older than the outcome. `now` is in the
    lender's zone. Up to three statements."""
    if (said := about.details.promised) is None:
        return False
    stored = _promises_of_conversation(connection, about, said)
    return not any(said.is_of(each.as_made(now).parts) for each in stored)


def means_of_conversation(
    connection: Connection, ctx: Context, about: Conversation
) -> Decimal | None:
    """What the person said to be able to pay a month, as it is kept with the promise of a
    conversation; None: nobody asked, or it was erased."""
    if (said := about.details.promised) is None:
        return None
    ids = [each.id for each in _promises_of_conversation(connection, about, said)]
    return kept_means(connection, ctx, ids)


def _promises_of_conversation(
    connection: Connection, about: Conversation, said: SaidPromise
) -> list[StoredPromise]:
    first, *_ = loans_of_contact(connection, about.loan_ids)
    owed = select(loan.c.id).where(
        loan.c.external_id == (said.loan or first.external_id), loan.c.currency == said.currency
    )
    named = promise.c.external_id == _id_of_promise(about)
    of_loan = STORED.where(promise.c.loan_id.in_(owed))
    stored = connection.execute(of_loan.where(named)).all()
    if not stored:
        told = contact_outcome.c.reported_at
        at = select(told).where(contact_outcome.c.contact_id == about.contact_id).scalar_subquery()
        shortly_before = promise.c.made_at.between(at - timedelta(days=1), at)
        stored = connection.execute(of_loan.where(shortly_before)).all()
    return [stored_promise(row) for row in stored]
