"""Disputes: raised with a hold that ends with their answer."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, select

from domain.disputes import DisputeKind, Matter, RaisedBy
from domain.events import RejectedError
from domain.holds import HoldKind
from domain.money import check_amount
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.disputes import unpaid_of
from workers.db.schema import dispute, hold
from workers.db.sender_ids import is_named, whose_id
from workers.hardship.holds import NewHold, place_hold
from workers.hardship.matters import (
    NewMatter,
    Raising,
    contact_in_question,
    insert_matter,
    last_day,
    on_record,
    terms_of,
    who_raises,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDispute:
    """A dispute as the lender's systems or a person recorded it."""

    dispute: str
    """The lender's own id of the dispute, and of its hold: the same id is the same dispute."""
    loan: str
    why: str
    actor: str
    """The lender's reference of the member of staff."""
    starts_on: date
    """The first business date of its hold."""
    kind: DisputeKind = DisputeKind.OTHER
    amount: Decimal | None = None
    """How much of the loan is disputed, in its currency; None: all of it, or nobody said."""
    currency: str | None = None
    """Of the amount."""
    raised_by: RaisedBy = RaisedBy.OTHER
    borrower: str | None = None
    """The record of who disputes; None: the borrower of the loan."""
    about_attempt: str | None = None
    """The contact in question: who had it does not handle the dispute."""
    received_at: datetime | None = None
    """When it came in; None: now, or as its hold starts if that is earlier."""
    sender: str | None = None
    """Whose id of the dispute it is."""
    why_id: UUID | None = None
    """Under which these words are kept, if they are kept already."""


def raise_dispute(connection: Connection, ctx: Context, new: NewDispute) -> Reasons:
    """Record a dispute in the caller's transaction, and pause the ladder of the loan for it.

    Returns what came of it. Repeated under the same id it changes nothing.

    Raises:
        NotYetError: the loan, the record or the contact is not known.
        RejectedError: its id is that of another hold, who disputes is no party to the loan, the
            contact was with somebody else, it came in later than now, or its amount is not payable.
    """
    now = ctx.now()
    received_at = new.received_at or _received(new.starts_on, now)
    if received_at > now or new.starts_on > now.date():
        raise RejectedError(
            ReasonCode.MATTER_IN_FUTURE,
            matter=Matter.DISPUTE,
            id=new.dispute,
            at=max(received_at.date(), new.starts_on),
        )
    raising = who_raises(connection, new.loan, new.borrower, "dispute")
    if new.amount is not None:
        check_amount(new.amount, new.currency or raising.currency, new.loan, raising.currency)
    paused = place_hold(
        connection,
        ctx,
        NewHold(
            hold=new.dispute,
            loan=new.loan,
            kind=HoldKind.DISPUTE,
            starts_on=new.starts_on,
            ends_on=None,
            why=new.why,
            actor=new.actor,
            sender=new.sender,
            why_id=new.why_id,
        ),
        by_policy=True,
        kinds=(HoldKind.DISPUTE,),
    )
    sender = whose_id(connection, hold, new.dispute, new.sender)
    if _is_on_record(connection, new.dispute, sender):
        return paused
    placed = select(hold.c.id, hold.c.why_id).where(is_named(hold, new.dispute, sender))
    hold_id, why_id = connection.execute(placed).one()
    terms = terms_of(ctx, Matter.DISPUTE, new.kind, raising.jurisdiction, received_at)
    whose = insert_matter(
        connection,
        ctx,
        Matter.DISPUTE,
        NewMatter(
            external_id=new.dispute,
            sender=sender,
            kind=new.kind,
            raised_by=new.raised_by,
            contact_id=contact_in_question(connection, new.about_attempt, raising),
            received_at=received_at,
            actor=new.actor,
            why_id=why_id,
            hold_id=hold_id,
            own={"amount": new.amount},
        ),
        raising,
        terms,
        now,
    )
    answer_on = last_day(terms.answer_by)
    named = {"dispute": new.dispute, "matter_kind": new.kind, "answer_on": answer_on}
    said = because(ReasonCode.DISPUTE_ON_RECORD, **named)
    result = on_record(said, answer_on, matter=Matter.DISPUTE, id=new.dispute, kind=new.kind)
    return paused + result + _more_than_owed(connection, new, raising) + whose


def _more_than_owed(connection: Connection, new: NewDispute, raising: Raising) -> Reasons:
    """That more is disputed than the loan owes, which may be mistyped. The dispute counts."""
    if new.amount is None or new.amount <= (owed := unpaid_of(connection, raising.id)):
        return ()
    more = {"amount": new.amount, "owed": owed, "currency": raising.currency}
    return because(ReasonCode.DISPUTED_MORE_THAN_OWED, **more)


def _received(starts_on: date, now: datetime) -> datetime:
    """When a dispute came in of which only the first day of its hold is known: not too late."""
    return (
        min(now, datetime.combine(starts_on, time.min, now.tzinfo))
        if (starts_on < now.date())
        else now
    )


def _is_on_record(connection: Connection, external_id: str, sender: str) -> bool:
    known = select(dispute.c.id).where(is_named(dispute, external_id, sender))
    return connection.execute(known).scalar() is not None
