"""Money comes in: record it, lay it against the schedule, and stop what it makes needless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from domain.allocation import Allocation, allocate
from domain.arrears import Arrears
from domain.loans import ZERO
from workers.events import NotYetError, RejectedError
from workers.house import House
from workers.reassessing import reassess
from workers.store.book import load_schedule, lock_loan, write_allocations
from workers.store.schema import payment

SMALLEST = Decimal("0.01")
TOO_LARGE = Decimal(10**11)


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
    """When the lender's core system booked it: a tape of a later date contains it."""


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
    if not SMALLEST <= paid.amount < TOO_LARGE or paid.amount % SMALLEST != ZERO:
        raise RejectedError(
            f"{paid.amount} is not an amount that can be paid: it must be more than zero, below "
            "a hundred thousand million, and in whole hundredths."
        )
    in_tape_of = loan.tape_as_of if _in_the_tape(paid, loan.tape_as_of) else None
    allocations: tuple[Allocation, ...] = ()
    left = ZERO
    if in_tape_of is None:
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
            in_tape_of=in_tape_of,
        )
        .on_conflict_do_nothing(index_elements=[payment.c.external_id])
        .returning(payment.c.id)
    ).scalar()
    if payment_id is None:
        return f"Payment {paid.external_id} is on record already; nothing changed."
    if in_tape_of:
        return f"Payment {paid.external_id} is in the tape of {in_tape_of} already; it is noted."
    write_allocations(connection, loan.id, payment_id, allocations)
    return _sentence(reassess(connection, [loan.id], now)[loan.id])


def _in_the_tape(paid: Payment, tape_as_of: date | None) -> bool:
    return tape_as_of is not None and paid.paid_on < tape_as_of


def _sentence(arrears: Arrears) -> str:
    if not arrears.past_due:
        return "Nothing is past due any more; what was planned is called off."
    return (
        f"{arrears.amount.normalize():f} is still past due since {arrears.anchor}, "
        f"{arrears.days_past_due} days."
    )
