"""Why a loan is overdue, as the person said so far: nobody has to say it twice."""

from datetime import date, datetime, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.contact_outcomes import LEARNS, ArrearsReason
from workers.db.schema import borrower, contact, contact_outcome, loan
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
            contact_outcome.c.outcome.in_(LEARNS),
            contact.c.part_of.is_(None),
        )
        .order_by(contact.c.at.desc(), contact.c.id.desc())
    )
    return typed_rows(KnownReason, connection.execute(said))
