"""Payments: recorded, allocated to the schedule; the actions they make needless are cancelled."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from domain.allocation import Allocation, allocate, apply_allocations
from domain.delinquency import Arrears
from domain.events import STAFF, HandlerResult, LoanLockedError, RejectedError
from domain.loans import ZERO
from domain.money import check_amount
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.allocations import set_unallocated
from workers.db.bulk import insert_rows
from workers.db.loans import (
    LockedLoan,
    load_schedules,
    lock_free_loans,
    lock_loan,
    not_known_yet,
    pay_instalments,
)
from workers.db.paid_by_tape import explain_payment, loans_to_explain
from workers.db.parts import insert_parts
from workers.db.schema import allocation
from workers.db.schema import loan as loan_table
from workers.db.schema import payment as payment_table
from workers.db.sender_ids import is_named, named_by_staff
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_review import review_arrangements
from workers.hardship.promise_judgement import keep_promises
from workers.payments.left_over import allocate_left_over

PaymentKey: TypeAlias = tuple[str, str]
"""The id of a payment, and the sender that gave it."""


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
    """The business date on which the lender booked it: a tape of a later date contains it."""
    instalment: date | None = None
    """The due date of the instalment that the payer named: it is paid first."""
    sender: str = STAFF
    """Whose id of the payment it is."""

    @property
    def key(self) -> PaymentKey:
        return self.external_id, self.sender


def record_payment(connection: Connection, ctx: Context, payment: Payment) -> Reasons:
    """Record one payment, as `record_payments` does. Returns what came of it.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the currency is another, the amount is not more than zero, its day has not
            come yet, or its id is that of another payment.
    """
    (result,) = record_payments(connection, ctx, [payment], wait=True)
    if isinstance(result, Exception):
        raise result
    return result


def record_payments(
    connection: Connection, ctx: Context, payments: Sequence[Payment], *, wait: bool = False
) -> list[HandlerResult]:
    """Record payments and all that follows from them, in the caller's transaction.

    They are recorded in their order: of two for one loan, the second pays what the first has left.
    One that is on record already changes nothing. Those whose loan is locked by another transaction
    are left out; with `wait`, which is for one payment alone, the lock is waited for. The number of
    statements does not grow with the payments, except for each open promise and for each payment
    that is on record already.

    Returns the result of each: where its loan stands after all of them, or why it was not recorded.
    """
    now = ctx.now()
    whose = _whose(connection, payments)
    payments = [payment for payment, _ in whose]
    loans, locked = _lock(connection, {payment.loan for payment in payments}, wait)
    not_recorded = [
        LoanLockedError()
        if payment.loan in locked
        else ambiguous or _why_not_recorded(payment, loans.get(payment.loan), now)
        for payment, ambiguous in whose
    ]
    # Of two under one id the first is the payment, and the other is that payment again.
    first: dict[PaymentKey, Payment] = {}
    for payment, why_not in zip(payments, not_recorded, strict=True):
        if why_not is None:
            first.setdefault(payment.key, payment)
    bookings = [_Booking(payment, loans[payment.loan]) for payment in first.values()]
    recorded = _record_new(connection, ctx, bookings, now) if bookings else {}
    return [
        why_not or recorded.pop(payment.key, None) or _recorded_before(connection, payment)
        for payment, why_not in zip(payments, not_recorded, strict=True)
    ]


def _whose(
    connection: Connection, payments: Sequence[Payment]
) -> list[tuple[Payment, RejectedError | None]]:
    """Each payment under the sender whose id it is, and why that is not known."""
    of_staff = {payment.external_id for payment in payments if payment.sender == STAFF}
    if not of_staff:
        return [(payment, None) for payment in payments]
    named = named_by_staff(connection, payment_table, of_staff)
    whose: list[tuple[Payment, RejectedError | None]] = []
    for payment in payments:
        sender = named[payment.external_id] if payment.sender == STAFF else payment.sender
        if isinstance(sender, RejectedError):
            whose.append((payment, sender))
        else:
            whose.append((replace(payment, sender=sender), None))
    return whose


def _lock(
    connection: Connection, loans: set[str], wait: bool
) -> tuple[dict[str, LockedLoan], set[str]]:
    """The loans by the lender's own id, locked; and those that another transaction has locked."""
    if not wait:
        return lock_free_loans(connection, loans)
    return {name: row for name in loans if (row := lock_loan(connection, name))}, set()


def _why_not_recorded(
    payment: Payment, loan: LockedLoan | None, now: datetime
) -> HandlerResult | None:
    """Why a payment cannot be recorded, or not yet; None if it can."""
    if loan is None:
        return not_known_yet(payment.loan, "payment")
    try:
        check_amount(payment.amount, payment.currency, payment.loan, loan.currency)
    except RejectedError as refusal:
        return refusal
    if payment.paid_on > now.date():
        return RejectedError(
            ReasonCode.PAYMENT_IN_FUTURE, payment=payment.external_id, on=payment.paid_on
        )
    return None


class _Booking(NamedTuple):
    """A payment that can be recorded, and its locked loan."""

    payment: Payment
    loan: LockedLoan

    @property
    def in_tape_as_of(self) -> date | None:
        """The business date of the loan's newest tape, if that contains the payment."""
        newest = self.loan.tape_as_of
        return newest if is_in_tape(self.payment.paid_on, newest) else None

    @property
    def is_recovery(self) -> bool:
        """Whether it came in after the loan was written off."""
        written_off_on = self.loan.written_off_on
        return written_off_on is not None and self.payment.paid_on >= written_off_on


def _record_new(
    connection: Connection, ctx: Context, bookings: Sequence[_Booking], now: datetime
) -> dict[PaymentKey, Reasons]:
    """Record those that are not on record yet; returns what came of each."""
    ids = _insert(connection, bookings, now)
    new = [booking for booking in bookings if booking.payment.key in ids]
    if not new:
        return {}
    left_over, named_in_vain = _allocate(connection, ctx, new, ids)
    _explain_tapes(connection, ctx, [booking for booking in new if booking.in_tape_as_of])
    loan_ids = sorted({booking.loan.id for booking in new})
    keep_promises(connection, ctx, loan_ids, now)
    review_arrangements(connection, ctx, loan_ids, now)
    arrears = reassess(connection, ctx, loan_ids, now)
    return {
        booking.payment.key: _result(booking, left_over, arrears[booking.loan.id])
        + _not_found(booking.payment, named_in_vain)
        for booking in new
    }


def _not_found(payment: Payment, named_in_vain: set[PaymentKey]) -> Reasons:
    """That a payment names an instalment which the loan does not have, if it does.

    It is allocated all the same: nobody may be contacted for money that they paid.
    """
    if payment.key not in named_in_vain:
        return ()
    return because(ReasonCode.INSTALMENT_NOT_KNOWN, loan=payment.loan, due_on=payment.instalment)


def _insert(
    connection: Connection, bookings: Sequence[_Booking], now: datetime
) -> dict[PaymentKey, int]:
    """Insert the payments that are not on record yet; returns their row ids."""
    rows = [
        {
            "external_id": booking.payment.external_id,
            "sender": booking.payment.sender,
            "loan_id": booking.loan.id,
            "amount": booking.payment.amount,
            "currency": booking.payment.currency,
            "paid_on": booking.payment.paid_on,
            "recorded_at": now,
            "unallocated": ZERO,
            "instalment": booking.payment.instalment,
            "in_tape_as_of": booking.in_tape_as_of,
            "is_recovery": booking.is_recovery,
        }
        for booking in bookings
    ]
    new = insert_rows(
        connection,
        payment_table,
        rows,
        returning=("external_id", "sender", "id"),
        known_by=("external_id", "sender"),
    )
    return {(row.external_id, row.sender): row.id for row in new}


def _allocate(
    connection: Connection,
    ctx: Context,
    bookings: Sequence[_Booking],
    ids: Mapping[PaymentKey, int],
) -> tuple[dict[PaymentKey, Decimal], set[PaymentKey]]:
    """Allocate payments to the schedules.

    Returns what is left over of them; and those that name an
    instalment which the loan does not have. One that a tape contains already is not allocated.
    """
    to_allocate = [booking for booking in bookings if booking.in_tape_as_of is None]
    if not to_allocate:
        return {}, set()
    schedules = load_schedules(connection, {booking.loan.id for booking in to_allocate})
    of_payments: dict[int, Sequence[Allocation]] = {}
    of_loans: dict[int, list[Allocation]] = defaultdict(list)
    left_over: dict[PaymentKey, Decimal] = {}
    named_in_vain: set[PaymentKey] = set()
    for payment, loan in to_allocate:
        order = ctx.allocation_order(loan.jurisdiction)
        schedule, named = schedules[loan.id], payment.instalment
        parts, left = allocate(schedule, payment.amount, order, payment.paid_on, named)
        if named and all(instalment.due_on != named for instalment in schedule):
            named_in_vain.add(payment.key)
        schedules[loan.id] = apply_allocations(schedules[loan.id], parts)
        of_payments[ids[payment.key]] = parts
        of_loans[loan.id] += parts
        if left:
            left_over[payment.key] = left
    insert_parts(connection, allocation, of_payments)
    pay_instalments(connection, of_loans)
    set_unallocated(connection, {ids[key]: left for key, left in left_over.items()})
    return left_over, named_in_vain


def _explain_tapes(connection: Connection, ctx: Context, in_tape: Sequence[_Booking]) -> None:
    """Payments that a tape contains explain what it showed as paid: other payments may have left
    over again what it was taken to show of theirs."""
    if not in_tape:
        return
    loans = loans_to_explain(connection, {booking.loan.id for booking in in_tape})
    for payment, loan in in_tape:
        given = (loan.id, payment.paid_on, payment.amount)
        if loan.id in loans and explain_payment(connection, *given):
            allocate_left_over(connection, ctx.allocation_order(loan.jurisdiction), loan.id)


def _result(
    booking: _Booking, left_over: Mapping[PaymentKey, Decimal], arrears: Arrears
) -> Reasons:
    payment = booking.payment
    if in_tape_as_of := booking.in_tape_as_of:
        return because(ReasonCode.PAYMENT_IN_TAPE, payment=payment.external_id, on=in_tape_as_of)
    result = where_it_stands(arrears, payment.currency)
    if booking.is_recovery:
        written_off_on = booking.loan.written_off_on
        result = because(ReasonCode.RECOVERY, payment=payment.external_id, on=written_off_on)
    if left := left_over.get(payment.key):
        result += because(ReasonCode.LEFT_OVER_OF_PAYMENT, amount=left, currency=payment.currency)
    return result


def _recorded_before(connection: Connection, payment: Payment) -> HandlerResult:
    """The result of a payment that comes again; another payment under its id is refused."""
    known = connection.execute(
        select(
            loan_table.c.external_id,
            payment_table.c.amount,
            payment_table.c.currency,
            payment_table.c.reversed_on,
        )
        .join(loan_table, loan_table.c.id == payment_table.c.loan_id)
        .where(is_named(payment_table, *payment.key))
    ).one()
    if tuple(known)[:3] != (payment.loan, payment.amount, payment.currency):
        return RejectedError(
            ReasonCode.PAYMENT_ID_TAKEN,
            payment=payment.external_id,
            loan=known.external_id,
            amount=known.amount,
            currency=known.currency,
        )
    if known.reversed_on is not None:
        return because(ReasonCode.REVERSAL_KNOWN, payment=payment.external_id, on=known.reversed_on)
    return because(ReasonCode.PAYMENT_KNOWN, payment=payment.external_id)


def is_in_tape(paid_on: date, tape_as_of: date | None) -> bool:
    """Whether a tape of `tape_as_of` contains a payment that was booked on `paid_on`."""
    return tape_as_of is not None and paid_on < tape_as_of


def where_it_stands(arrears: Arrears, currency: str) -> Reasons:
    """What is past due after a payment or its reversal."""
    if not arrears.past_due:
        return because(ReasonCode.PAYMENT_CURED)
    return because(
        ReasonCode.STILL_PAST_DUE,
        amount=arrears.amount,
        currency=currency,
        delinquent_since=arrears.delinquent_since,
        days_past_due=arrears.days_past_due,
    )


def payment_payload(paid: Payment) -> dict[str, str]:
    """A payment as the payload of an event."""
    payload: dict[str, str] = TypeAdapter(Payment).dump_python(
        paid, mode="json", exclude_none=True, exclude={"sender"}
    )
    return payload
