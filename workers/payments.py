"""Money comes in: record it, lay it against the schedule, and stop what it makes needless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.allocation import Allocation, allocate
from domain.arrears import Arrears
from domain.loans import ZERO
from workers.amounts import check_amount
from workers.events import RejectedError
from workers.house import House
from workers.legal_dates import acknowledge
from workers.promising import keep_promise
from workers.reassessing import reassess
from workers.store.book import load_schedule, lock_loan_told_of, write_allocations
from workers.store.schema import loan as loan_table
from workers.store.schema import payment


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
        RejectedError: the currency is another, the amount is not more than zero, its day has not
            come yet, or its id is that of another payment.
    """
    now = house.now()
    loan = lock_loan_told_of(connection, paid.loan, "payment")
    check_amount(paid.amount, paid.currency, paid.loan, loan.currency)
    if paid.paid_on > now.date():
        raise RejectedError(
            f"Payment {paid.external_id} is dated {paid.paid_on}, which has not come yet. Tell "
            "of it when it is booked, or correct its date."
        )
    in_tape_of = loan.tape_as_of if in_the_tape(paid.paid_on, loan.tape_as_of) else None
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
        return _on_record_already(connection, paid)
    write_allocations(connection, loan.id, payment_id, allocations)
    keep_promise(connection, loan.id, now)
    acknowledge(connection, loan.id, paid.paid_on)
    arrears = reassess(connection, [loan.id], now)[loan.id]
    if in_tape_of:
        return (
            f"Payment {paid.external_id} is in the tape of {in_tape_of} already, for it was booked "
            "before that day: it is noted, and laid against nothing."
        )
    left_over = f" {left:.2f} {paid.currency} of it is left over: nothing owed is unpaid."
    return where_it_stands(arrears, paid.currency) + (left_over if left else "")


def _on_record_already(connection: Connection, paid: Payment) -> str:
    """The same payment again; another one under its id is refused."""
    known = connection.execute(
        select(loan_table.c.external_id, payment.c.amount, payment.c.currency)
        .join(loan_table, loan_table.c.id == payment.c.loan_id)
        .where(payment.c.external_id == paid.external_id)
    ).one()
    if tuple(known) != (paid.loan, paid.amount, paid.currency):
        raise RejectedError(
            f"Payment {paid.external_id} is on record for loan {known.external_id}, over "
            f"{known.amount:.2f} {known.currency}. Record another payment under an id of its own."
        )
    return f"Payment {paid.external_id} is on record already; nothing changed."


def in_the_tape(paid_on: date, tape_as_of: date | None) -> bool:
    """Whether a payment booked on `paid_on` is in what a tape of that date says is paid."""
    return tape_as_of is not None and paid_on < tape_as_of


def where_it_stands(arrears: Arrears, currency: str) -> str:
    """What is past due after money came or went, as a sentence for people."""
    if not arrears.past_due:
        return "Nothing is past due any more; what was planned is called off."
    return (
        f"{arrears.amount:.2f} {currency} is still past due since {arrears.anchor}, "
        f"{arrears.days_past_due} {'day' if arrears.days_past_due == 1 else 'days'}."
    )
