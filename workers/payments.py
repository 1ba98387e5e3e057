"""Money comes in: record it, lay it against the schedule, and stop what it makes needless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, update
from sqlalchemy.dialects.postgresql import insert

from domain.allocation import allocate
from domain.arrears import arrears_on
from domain.decision import Snapshot, next_review
from domain.loans import ZERO
from domain.statuses import WAITING, ActionStatus
from workers.events import NotYetError, RejectedError
from workers.house import House
from workers.store.actions import Move, move_actions
from workers.store.book import (
    load_schedule,
    lock_loan,
    set_position,
    waiting_for_other_arrears,
    write_allocations,
)
from workers.store.facts import load_facts
from workers.store.schema import collection_case, payment


@dataclass(frozen=True, slots=True)
class Payment:
    """Money the lender received for a loan."""

    external_id: str
    """The lender's own id of the payment: the same id is the same payment."""
    loan: str
    """The lender's own id of the loan."""
    amount: Decimal
    currency: str
    paid_on: date


def record_payment(connection: Connection, house: House, paid: Payment) -> str:
    """Record a payment and all that follows from it, in the caller's transaction.

    Returns a sentence for people. A payment that is on record already changes nothing.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the currency is another, or the amount is not more than zero.
    """
    now = house.now()
    loan = lock_loan(connection, paid.loan)
    if loan is None:
        raise NotYetError(f"Loan {paid.loan} is not known. Import it; the payment is kept.")
    if paid.currency != loan.currency:
        raise RejectedError(
            f"The payment is in {paid.currency} and loan {paid.loan} in {loan.currency}. "
            "Convert it and record it under another id."
        )
    if paid.amount <= ZERO:
        raise RejectedError("A payment is more than zero.")
    schedule = load_schedule(connection, loan.id)
    allocations, left = allocate(schedule, paid.amount, house.settings.allocation_order)
    payment_id = connection.execute(
        insert(payment)
        .values(
            external_id=paid.external_id,
            loan_id=loan.id,
            amount=paid.amount,
            currency=paid.currency,
            paid_on=paid.paid_on,
            recorded_at=now,
            unallocated=left,
        )
        .on_conflict_do_nothing(index_elements=[payment.c.external_id])
        .returning(payment.c.id)
    ).scalar()
    if payment_id is None:
        return f"Payment {paid.external_id} is on record already; nothing changed."
    write_allocations(connection, loan.id, payment_id, allocations)
    return reassess(connection, house, loan.id, now)


def reassess(connection: Connection, house: House, loan_id: int, now: datetime) -> str:
    """After a loan's facts changed: call off what they made needless, and set its review date."""
    today = now.date()
    facts = load_facts(connection, [loan_id], today)[loan_id]
    arrears = arrears_on(facts.instalments, today)
    needless = waiting_for_other_arrears(connection, loan_id, arrears.anchor, sorted(WAITING))
    why = "superseded" if arrears.past_due else "cured"
    if needless:
        move_actions(connection, needless, Move(ActionStatus.CANCELLED, why), now)
    if not arrears.past_due:
        connection.execute(
            update(collection_case)
            .where(collection_case.c.loan_id == loan_id, collection_case.c.closed_at.is_(None))
            .values(closed_at=now, closed_because="cured")
        )
    snapshot = Snapshot(loan_id, facts.instalments, facts.holds)
    review_on = next_review(snapshot, None, now)
    set_position(connection, loan_id, anchor_on=arrears.anchor, review_on=review_on, now=now)
    if not arrears.past_due:
        return f"Nothing is past due any more; {len(needless)} planned action(s) called off."
    return (
        f"{arrears.amount.normalize():f} still past due since {arrears.anchor}, "
        f"{arrears.days_past_due} days; {len(needless)} planned action(s) called off."
    )
