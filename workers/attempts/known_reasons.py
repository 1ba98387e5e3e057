"""Why a loan is overdue, as the person said so far: nobody has to say it twice."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.actions import ActionStatus, Move
from domain.contact_outcomes import REASON, WITH_BORROWER, ArrearsReason
from domain.ladder import Ladder
from domain.reasons import Reasons
from workers.db.appointments import is_begun, move_calls
from workers.db.parties import with_contacted
from workers.db.persons import records_of_person
from workers.db.schema import action, borrower, call, contact, contact_outcome, loan
from workers.db.typed_rows import typed_rows


def told_on(connection: Connection, loan_id: int, since: date, zone: tzinfo | None) -> date | None:
    """The day on which the person of a loan last gave the reason for the arrears in a contact that
    they began, on or after a business date; None: they did not. If they did, no call has to
    ask for it again.
    """
    days = (
        known.at.astimezone(zone).date()
        for known in known_reasons(connection, loan_id)
        if known.inbound
    )
    return next((day for day in days if day >= since), None)


class KnownReason(NamedTuple):
    """One reason for arrears, as it was said."""

    reason: ArrearsReason
    at: datetime
    """Aware: when the conversation was."""
    loan: str
    """The lender's id of the loan that it was about."""
    inbound: bool
    """Whether the person began the conversation."""
    actor: str
    """The staff reference of who reported it."""


def known_reasons(connection: Connection, loan_id: int) -> list[KnownReason]:
    """The reasons that the person of a loan gave, about any of their loans, the last one first.

    What is said of one loan explains the others too. What somebody else says is no reason of
    theirs. One statement.
    """
    of_loan = select(borrower.c.person_id).join(loan).where(loan.c.id == loan_id)
    records = select(borrower.c.id).where(borrower.c.person_id == of_loan.scalar_subquery())
    said = (
        select(
            contact_outcome.c.reason.label("reason"),
            contact.c.at.label("at"),
            loan.c.external_id.label("loan"),
            contact.c.inbound.is_(True).label("inbound"),
            contact_outcome.c.actor.label("actor"),
        )
        .select_from(contact)
        .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .join(loan, loan.c.id == contact.c.loan_id)
        .where(
            contact.c.borrower_id.in_(records),
            contact_outcome.c.reason.is_not(None),
            contact_outcome.c.outcome.in_(WITH_BORROWER),
            contact.c.part_of.is_(None),
        )
        .order_by(contact.c.at.desc(), contact.c.id.desc())
    )
    return typed_rows(KnownReason, connection.execute(said))


def complete_enquiries(
    connection: Connection, record: int, loan_ids: Sequence[int], why: Reasons, now: datetime
) -> None:
    """The person of a record said why these locked loans are overdue. The calls to this person that
    were to learn it, and that nobody has begun, are done; those to somebody else are not."""
    asking = (
        select(action.c.id)
        .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
        .join(call, call.c.action_id == action.c.id)
        .where(
            action.c.loan_id.in_(loan_ids),
            action.c.status == ActionStatus.ASSIGNED,
            call.c.cancelled_at.is_(None),
            call.c.must_learn.contains([REASON]),
            borrower.c.id.in_(records_of_person(record)),
            ~is_begun(),
        )
    )
    move = Move(ActionStatus.DONE, why)
    move_calls(connection, dict.fromkeys(connection.execute(asking).scalars(), move), now)


def is_known_lately(connection: Connection, ladder: Ladder, loan_id: int, now: datetime) -> bool:
    """Whether the reason was learnt lately enough, by the ladder, that nobody is asked again."""
    days = ladder.outcomes.reason_counts_days if ladder.outcomes else None
    if not days:
        return False
    known = known_reasons(connection, loan_id)
    return bool(known and known[0].at > now - timedelta(days=days))
