"""Reversals that are taken back: the payment did not go back after all."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from domain.allocation import allocate, apply_allocations, merge_allocations
from domain.events import NotYetError, RejectedError
from domain.loans import ZERO
from domain.payments import ReturnKind
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.adjustments import save_schedule
from workers.db.loans import load_schedule
from workers.db.paid_by_tape import explain_payment, explain_return
from workers.db.parts import replace_parts
from workers.db.payments import (
    PaymentReturn,
    RecordedPayment,
    insert_return,
    return_known_as,
    update_payment,
    update_return,
    was_taken_back,
    whose_return,
)
from workers.db.schema import allocation
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_review import review_arrangements
from workers.hardship.promise_judgement import keep_promises
from workers.payments.left_over import allocate_left_over, allocations_of
from workers.payments.named_payments import lock_payment, refuse_other_loan
from workers.payments.payments import where_it_stands


@dataclass(frozen=True, slots=True)
class ReversalTakenBack:
    """The payment did not go back after all."""

    payment: str
    loan: str
    taken_back_on: date
    reversal: str | None = None
    """Of a reversal in part; None for the reversal of all of it."""
    actor: str | None = None
    sender: str | None = None
    """Whose id of the payment it is."""
    reversal_sender: str | None = None
    """Whose id of the reversal in part it is; None: that of the sender itself."""
    own_sender: str | None = None
    """Who sent it; None: the staff."""


def take_back_reversal(connection: Connection, ctx: Context, back: ReversalTakenBack) -> Reasons:
    """The reversal of a payment, or of a part of it, did not happen; in the caller's transaction.

    The money is allocated again. If the reversal was only noted, or a tape contains that it was
    taken back, the payment has left over again what went back of that, and nothing else changes.

    Raises:
        NotYetError: the payment or the reversal is not known, or all of the payment was reversed
            after a part: that may be taken back too.
        RejectedError: the payment is one of another loan, or the reversal would have been taken
            back before it happened, or in the future.
    """
    paid = lock_payment(connection, back.payment, back.sender)
    refuse_other_loan(paid, back.payment, back.loan)
    now = ctx.now()
    part = None if back.reversal is None else _part_reversed(connection, paid, back, back.reversal)
    reversed_on = part.returned_on if part else paid.reversed_on
    if (back.reversal is not None and part is None) or reversed_on is None:
        return _nothing_to_take_back(connection, paid, back)
    if part and part.taken_back_on is not None:
        return because(ReasonCode.REVERSAL_TAKEN_BACK_KNOWN, payment=back.payment)
    if part and paid.reversed_on is not None:
        raise NotYetError(ReasonCode.PAYMENT_IS_REVERSED, payment=back.payment, on=paid.reversed_on)
    _check_day(ctx, back, reversed_on)
    if part:
        undone = _undo_part(connection, paid, part, back, now)
    else:
        undone = _undo_all(connection, paid, reversed_on, back, now)
    taken_back = because(ReasonCode.REVERSAL_TAKEN_BACK, payment=back.payment)
    in_tape = paid.tape_as_of is not None and back.taken_back_on < paid.tape_as_of
    if undone.is_noted or in_tape:
        _leave_over(connection, ctx, undone, back.taken_back_on, now)
        return taken_back
    _allocate_again(connection, ctx, undone.paid, undone.amount)
    keep_promises(connection, ctx, [paid.loan_id], now)
    review_arrangements(connection, ctx, [paid.loan_id], now)
    arrears = reassess(connection, ctx, [paid.loan_id], now)[paid.loan_id]
    return (*taken_back, *where_it_stands(arrears, paid.currency))


def _part_reversed(
    connection: Connection, paid: RecordedPayment, back: ReversalTakenBack, reversal: str
) -> PaymentReturn | None:
    of = (connection, paid.id, ReturnKind.REVERSAL, reversal)
    return return_known_as(*of, whose_return(*of, back.reversal_sender or back.own_sender))


def _check_day(ctx: Context, back: ReversalTakenBack, reversed_on: date) -> None:
    on = back.taken_back_on
    if on < reversed_on:
        raise RejectedError(
            ReasonCode.REVERSAL_TAKEN_BACK_TOO_EARLY,
            payment=back.payment,
            reversed_on=reversed_on,
            on=on,
        )
    if on > ctx.today():
        raise RejectedError(ReasonCode.REVERSAL_IN_FUTURE, payment=back.payment, on=on)


class _Undone(NamedTuple):
    """A payment of which something did not go back after all."""

    paid: RecordedPayment
    amount: Decimal
    """What did not go back."""
    of_rest: Decimal
    """How much of that had been left over of the payment."""
    is_noted: bool
    """Whether the reversal was only noted, because a tape contains it."""


def _undo_part(
    connection: Connection,
    paid: RecordedPayment,
    part: PaymentReturn,
    back: ReversalTakenBack,
    now: datetime,
) -> _Undone:
    update_return(connection, part.id, **_noted(back, now))
    update_payment(connection, paid.id, returned=paid.returned - part.amount)
    return _Undone(
        paid, part.amount, part.amount - part.undone, is_noted=part.in_tape_as_of is not None
    )


def _undo_all(
    connection: Connection,
    paid: RecordedPayment,
    reversed_on: date,
    back: ReversalTakenBack,
    now: datetime,
) -> _Undone:
    insert_return(
        connection,
        paid.id,
        ReturnKind.REVERSAL,
        amount=paid.kept,
        returned_on=reversed_on,
        recorded_at=paid.reversed_at,
        **_noted(back, now),
    )
    update_payment(connection, paid.id, reversed_on=None, reversed_at=None, unallocated=ZERO)
    is_noted = paid.in_tape_as_of is not None
    if not is_noted:
        replace_parts(connection, allocation, {paid.id: ()})
    return _Undone(paid._replace(unallocated=ZERO), paid.kept, paid.unallocated, is_noted)


def _noted(back: ReversalTakenBack, now: datetime) -> dict[str, Any]:
    return {
        "taken_back_on": back.taken_back_on,
        "taken_back_at": now,
        "taken_back_by": back.actor,
    }


def _leave_over(
    connection: Connection, ctx: Context, undone: _Undone, on: date, now: datetime
) -> None:
    """Let the payment have left over again what no tape shows as paid."""
    paid = undone.paid
    others = ZERO if undone.is_noted else undone.amount - undone.of_rest
    left = undone.of_rest - _used_before(connection, paid, on, undone.of_rest, others)
    if left:
        update_payment(connection, paid.id, unallocated=paid.unallocated + left)
        allocate_left_over(connection, ctx.allocation_order(paid.jurisdiction), paid.loan_id)
        reassess(connection, ctx, [paid.loan_id], now)


def _nothing_to_take_back(
    connection: Connection, paid: RecordedPayment, back: ReversalTakenBack
) -> Reasons:
    """A reversal that comes later than its taking back is waited for, unless it is taken back."""
    if back.reversal is None and was_taken_back(connection, paid.id):
        return because(ReasonCode.REVERSAL_TAKEN_BACK_KNOWN, payment=back.payment)
    raise NotYetError(ReasonCode.REVERSAL_NOT_KNOWN, payment=back.payment)


def _used_before(
    connection: Connection, paid: RecordedPayment, on: date, of_rest: Decimal, others: Decimal
) -> Decimal:
    """How much of what it has left over again tapes show as paid already. First they show the
    others, which it pays again."""
    used = explain_return(connection, paid.loan_id, on, of_rest + others)
    if used < others:
        explain_payment(connection, paid.loan_id, on, others - used, since=date.max)
    return max(ZERO, used - others)


def _allocate_again(
    connection: Connection, ctx: Context, paid: RecordedPayment, amount: Decimal
) -> None:
    order = ctx.allocation_order(paid.jurisdiction)
    schedule = load_schedule(connection, paid.loan_id)
    parts, left = allocate(schedule, amount, order, paid.paid_on, paid.instalment)
    merged = merge_allocations(allocations_of(connection, paid.id), parts)
    replace_parts(connection, allocation, {paid.id: merged})
    save_schedule(connection, paid.loan_id, schedule, apply_allocations(schedule, parts))
    update_payment(connection, paid.id, unallocated=paid.unallocated + left)
