"""Money comes in: record it, lay it against the schedule, and stop what it makes needless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from domain.allocation import Allocation, allocate, apply_allocations
from domain.delinquency import Arrears
from domain.events import HandlerResult, LoanLockedError, RejectedError
from domain.loans import ZERO
from domain.money import check_amount
from workers.context import Context
from workers.db.allocations import insert_allocations, set_unallocated
from workers.db.bulk import insert_rows
from workers.db.loans import (
    LockedLoan,
    load_schedules,
    lock_free_loans,
    lock_loan,
    not_known_yet,
    pay_instalments,
)
from workers.db.schema import loan as loan_table
from workers.db.schema import payment
from workers.escalation.reassess import reassess
from workers.hardship.promises import keep_promises


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


def record_payment(connection: Connection, ctx: Context, paid: Payment) -> str:
    """Record one payment, as `record_payments` does. Returns a sentence for people.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the currency is another, the amount is not more than zero, its day has not
            come yet, or its id is that of another payment.
    """
    (answer,) = record_payments(connection, ctx, [paid], wait=True)
    if isinstance(answer, Exception):
        raise answer
    return answer


def record_payments(
    connection: Connection, ctx: Context, paid: Sequence[Payment], *, wait: bool = False
) -> list[HandlerResult]:
    """Record payments and all that follows from them, in the caller's transaction.

    In their order: of two for one loan, the second pays what the first has left. One that is on
    record already changes nothing. Those whose loan somebody holds are left out; one alone may
    `wait` for it, who holds no other loan. A fixed number of statements for any number of payments,
    and some more for each open promise and for each that is on record already. Returns for each
    what came of it: a sentence for people on where its loan stands after all of them, or why it was
    not taken.
    """
    now = ctx.now()
    loans, held = _lock(connection, {each_payment.loan for each_payment in paid}, wait)
    answers = [
        LoanLockedError()
        if each_payment.loan in held
        else _refusal(each_payment, loans.get(each_payment.loan), now)
        for each_payment in paid
    ]
    # Of two under one id the first is the payment, and the other is that payment again.
    first: dict[str, Payment] = {}
    for one, refusal in zip(paid, answers, strict=True):
        if refusal is None:
            first.setdefault(one.external_id, one)
    taken = _take(connection, ctx, list(first.values()), loans, now) if first else {}
    return [
        refusal or taken.pop(one.external_id, None) or _on_record_already(connection, one)
        for one, refusal in zip(paid, answers, strict=True)
    ]


def _lock(
    connection: Connection, loans: set[str], wait: bool
) -> tuple[dict[str, LockedLoan], set[str]]:
    """The loans by the lender's own id, locked; and those that somebody else holds."""
    if not wait:
        return lock_free_loans(connection, loans)
    return {name: row for name in loans if (row := lock_loan(connection, name))}, set()


def _refusal(paid: Payment, loan: LockedLoan | None, now: datetime) -> HandlerResult | None:
    """Why a payment cannot be taken; None if it can."""
    if loan is None:
        return not_known_yet(paid.loan, "payment")
    try:
        check_amount(paid.amount, paid.currency, paid.loan, loan.currency)
    except RejectedError as refusal:
        return refusal
    if paid.paid_on > now.date():
        return RejectedError(
            f"Payment {paid.external_id} is dated {paid.paid_on}, which has not come yet. Tell "
            "of it when it is booked, or correct its date."
        )
    return None


def _take(
    connection: Connection,
    ctx: Context,
    paid: Sequence[Payment],
    loans: Mapping[str, LockedLoan],
    now: datetime,
) -> dict[str, str]:
    """Record those that are not on record yet; by their ids, what is told of each."""
    ids = _insert(connection, paid, loans, now)
    new = [each_payment for each_payment in paid if each_payment.external_id in ids]
    if not new:
        return {}
    left_over = _lay(connection, ctx, new, loans, ids)
    of_loans = sorted({loans[one.loan].id for one in new})
    keep_promises(connection, of_loans, now)
    # Oldest first, so that of two for one loan the latest day stays.
    by_day = sorted(new, key=lambda one: one.paid_on)
    acknowledged = {loans[one.loan].id: one.paid_on for one in by_day}
    arrears = reassess(connection, of_loans, now, acknowledged=acknowledged)
    return {
        one.external_id: _told(
            one, loans[one.loan], left_over.get(one.external_id, ZERO), arrears[loans[one.loan].id]
        )
        for one in new
    }


def _insert(
    connection: Connection, paid: Sequence[Payment], loans: Mapping[str, LockedLoan], now: datetime
) -> dict[str, int]:
    """Put payments on record that are not yet; their own ids, by the lender's."""
    rows = [
        {
            "external_id": each_payment.external_id,
            "loan_id": loans[each_payment.loan].id,
            "amount": each_payment.amount,
            "currency": each_payment.currency,
            "paid_on": each_payment.paid_on,
            "recorded_at": now,
            "unallocated": ZERO,
            "in_tape_of": _in_tape_of(each_payment, loans[each_payment.loan]),
        }
        for each_payment in paid
    ]
    new = insert_rows(
        connection, payment, rows, returning=("external_id", "id"), known_by="external_id"
    )
    return {row.external_id: row.id for row in new}


def _lay(
    connection: Connection,
    ctx: Context,
    paid: Sequence[Payment],
    loans: Mapping[str, LockedLoan],
    ids: Mapping[str, int],
) -> dict[str, Decimal]:
    """Lay payments against the schedules; by the lender's ids, what is left over of them.

    What is in a tape already is laid against nothing.
    """
    to_lay = [
        each_payment
        for each_payment in paid
        if _in_tape_of(each_payment, loans[each_payment.loan]) is None
    ]
    if not to_lay:
        return {}
    schedules = load_schedules(connection, {loans[one.loan].id for one in to_lay})
    of_payments: dict[int, Sequence[Allocation]] = {}
    of_loans: dict[int, list[Allocation]] = defaultdict(list)
    left_over: dict[str, Decimal] = {}
    for one in to_lay:
        loan_id = loans[one.loan].id
        parts, left = allocate(schedules[loan_id], one.amount, ctx.settings.allocation_order)
        schedules[loan_id] = apply_allocations(schedules[loan_id], parts)
        of_payments[ids[one.external_id]] = parts
        of_loans[loan_id] += parts
        if left:
            left_over[one.external_id] = left
    insert_allocations(connection, of_payments)
    pay_instalments(connection, of_loans)
    set_unallocated(connection, {ids[name]: left for name, left in left_over.items()})
    return left_over


def _told(paid: Payment, loan: LockedLoan, left: Decimal, arrears: Arrears) -> str:
    if in_tape_of := _in_tape_of(paid, loan):
        return (
            f"Payment {paid.external_id} is in the tape of {in_tape_of} already, for it was booked "
            "before that day: it is noted, and laid against nothing."
        )
    left_over = f" {left:.2f} {paid.currency} of it is left over: nothing owed is unpaid."
    return where_it_stands(arrears, paid.currency) + (left_over if left else "")


def _on_record_already(connection: Connection, paid: Payment) -> HandlerResult:
    """The same payment again; another one under its id is refused."""
    known = connection.execute(
        select(loan_table.c.external_id, payment.c.amount, payment.c.currency)
        .join(loan_table, loan_table.c.id == payment.c.loan_id)
        .where(payment.c.external_id == paid.external_id)
    ).one()
    if tuple(known) != (paid.loan, paid.amount, paid.currency):
        return RejectedError(
            f"Payment {paid.external_id} is on record for loan {known.external_id}, over "
            f"{known.amount:.2f} {known.currency}. Record another payment under an id of its own."
        )
    return f"Payment {paid.external_id} is on record already; nothing changed."


def _in_tape_of(paid: Payment, loan: LockedLoan) -> date | None:
    """The day of the loan's newest tape, if that contains the payment."""
    newest: date | None = loan.tape_as_of
    return newest if in_the_tape(paid.paid_on, newest) else None


def in_the_tape(paid_on: date, tape_as_of: date | None) -> bool:
    """Whether a payment booked on `paid_on` is in what a tape of that date says is paid."""
    return tape_as_of is not None and paid_on < tape_as_of


def where_it_stands(arrears: Arrears, currency: str) -> str:
    """What is past due after money came or went, as a sentence for people."""
    if not arrears.past_due:
        return "Nothing is past due any more; what was planned is called off."
    return (
        f"{arrears.amount:.2f} {currency} is still past due since {arrears.delinquent_since}, "
        f"{arrears.days_past_due} {'day' if arrears.days_past_due == 1 else 'days'}."
    )
