"""Reversals that are taken back: the payment did not go back after all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

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
    on, now = back.taken_back_on, ctx.now()
    noted = {"taken_back_on": on, "taken_back_at": now, "taken_back_by": back.actor}
    part = None
    if back.reversal is not None:
        of = (connection, paid.id, ReturnKind.REVERSAL, back.reversal)
        part = return_known_as(*of, whose_return(*of, back.reversal_sender or back.own_sender))
    reversed_on = part.returned_on if part else paid.reversed_on
    if (back.reversal is not None and part is None) or reversed_on is None:
        return _nothing_to_take_back(connection, paid, back)
    if part and part.taken_back_on is not None:
        return because(ReasonCode.REVERSAL_TAKEN_BACK_KNOWN, payment=back.payment)
    if part and paid.reversed_on is not None:
        raise NotYetError(ReasonCode.PAYMENT_IS_REVERSED, payment=back.payment, on=paid.reversed_on)
    if on < reversed_on:
        raise RejectedError(
            ReasonCode.REVERSAL_TAKEN_BACK_TOO_EARLY,
            payment=back.payment,
            reversed_on=reversed_on,
            on=on,
        )
    if on > ctx.today():
        raise RejectedError(ReasonCode.REVERSAL_IN_FUTURE, payment=back.payment, on=on)
    if part:
        is_noted, amount = part.in_tape_as_of is not None, part.amount
        returned = paid.returned - amount
        update_return(connection, part.id, **noted)
        update_payment(connection, paid.id, returned=returned)
        of_rest = amount - part.undone
    else:
        is_noted, amount, of_rest = paid.in_tape_as_of is not None, paid.kept, paid.unallocated
        paid = paid._replace(unallocated=ZERO)
        insert_return(
            connection,
            paid.id,
            ReturnKind.REVERSAL,
            amount=amount,
            returned_on=reversed_on,
            recorded_at=paid.reversed_at,
            **noted,
        )
        update_payment(connection, paid.id, reversed_on=None, reversed_at=None, unallocated=ZERO)
        if not is_noted:
            replace_parts(connection, allocation, {paid.id: ()})
    if is_noted or (paid.tape_as_of is not None and on < paid.tape_as_of):
        of_rest -= _used_before(
            connection, paid, on, of_rest, ZERO if is_noted else amount - of_rest
        )
        if of_rest:
            update_payment(connection, paid.id, unallocated=paid.unallocated + of_rest)
            order = ctx.allocation_order(paid.jurisdiction)
            allocate_left_over(connection, order, paid.loan_id)
            reassess(connection, ctx, [paid.loan_id], now)
        return because(ReasonCode.REVERSAL_TAKEN_BACK, payment=back.payment)
    _allocate_again(connection, ctx, paid, amount)
    keep_promises(connection, [paid.loan_id], now)
    review_arrangements(connection, ctx, [paid.loan_id], now)
    taken_back = because(ReasonCode.REVERSAL_TAKEN_BACK, payment=back.payment)
    arrears = reassess(connection, ctx, [paid.loan_id], now)[paid.loan_id]
    return (*taken_back, *where_it_stands(arrears, paid.currency))


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
