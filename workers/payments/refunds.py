"""Refunds: the lender gave back what nothing owed needs, or did not after all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from domain.events import NotYetError, RejectedError
from domain.loans import ZERO
from domain.money import check_amount
from domain.payments import ReturnKind
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.paid_by_tape import explain_return
from workers.db.payments import (
    RecordedPayment,
    insert_return,
    return_known_as,
    update_payment,
    update_return,
    whose_return,
)
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_review import review_arrangements
from workers.hardship.promise_judgement import keep_promises
from workers.payments.left_over import allocate_left_over, allocations_of
from workers.payments.named_payments import known_before, lock_payment, refuse_other_loan
from workers.payments.payments import where_it_stands


@dataclass(frozen=True, slots=True)
class Refund:
    """The lender gave back what nothing owed needs."""

    refund: str
    payment: str
    amount: Decimal
    refunded_on: date
    actor: str | None = None
    sender: str | None = None
    """Whose id of the payment it is."""
    own_sender: str | None = None
    """Whose id of the refund it is."""


@dataclass(frozen=True, slots=True)
class RefundTakenBack:
    """The lender did not give it back after all."""

    refund: str
    payment: str
    loan: str
    taken_back_on: date
    actor: str | None = None
    sender: str | None = None
    """Whose id of the payment it is."""
    refund_sender: str | None = None
    """Whose id of the refund it is; None: that of the sender itself."""
    own_sender: str | None = None
    """Who sent it; None: the staff."""


def record_refund(connection: Connection, ctx: Context, refund: Refund) -> Reasons:
    """Record that the lender gave back what a payment had left over.

    Of a payment that was never allocated here, because a tape contained it, what is left over is
    not known: the refund is noted.

    Raises:
        NotYetError: the payment is not known.
        RejectedError: the payment has less left over, was reversed, or was made later.
    """
    paid = lock_payment(connection, refund.payment, refund.sender)
    of = (connection, paid.id, ReturnKind.REFUND, refund.refund)
    sender = whose_return(*of, refund.own_sender)
    known = return_known_as(*of, sender)
    if known is not None:
        return known_before(refund.refund, known, refund.amount, paid.currency)
    check_amount(refund.amount, paid.currency, refund.payment, paid.currency)
    if paid.reversed_on is not None:
        raise RejectedError(
            ReasonCode.PAYMENT_IS_REVERSED, payment=refund.payment, on=paid.reversed_on
        )
    if refund.refunded_on < paid.paid_on or refund.refunded_on > ctx.today():
        raise RejectedError(
            ReasonCode.REFUND_ON_WRONG_DAY,
            refund=refund.refund,
            paid_on=paid.paid_on,
            on=refund.refunded_on,
        )
    unknown_rest = _rest_is_unknown(connection, paid)
    at_most = paid.kept if unknown_rest else paid.unallocated
    if refund.amount > at_most:
        raise RejectedError(
            ReasonCode.RETURN_TOO_LARGE,
            payment=refund.payment,
            amount=at_most,
            currency=paid.currency,
        )
    insert_return(
        connection,
        paid.id,
        ReturnKind.REFUND,
        external_id=refund.refund,
        sender=sender,
        amount=refund.amount,
        undone=refund.amount if unknown_rest else ZERO,
        returned_on=refund.refunded_on,
        recorded_at=ctx.now(),
        actor=refund.actor,
    )
    update_payment(
        connection,
        paid.id,
        returned=paid.returned + refund.amount,
        unallocated=paid.unallocated if unknown_rest else paid.unallocated - refund.amount,
    )
    return because(
        ReasonCode.REFUND_RECORDED,
        payment=refund.payment,
        amount=refund.amount,
        currency=paid.currency,
    )


def take_back_refund(connection: Connection, ctx: Context, back: RefundTakenBack) -> Reasons:
    """The lender did not give back after all what a payment had left over.

    The payment has it left over again, which pays what became unpaid since. What a tape of a later
    day shows as paid, for the lender used it there, is not used again.

    Raises:
        NotYetError: the payment or the refund is not known, or the payment is reversed: that may be
            taken back too.
        RejectedError: the payment is one of another loan, or the refund would have been taken back
            before it was made, or in the future.
    """
    paid = lock_payment(connection, back.payment, back.sender)
    refuse_other_loan(paid, back.payment, back.loan)
    of = (connection, paid.id, ReturnKind.REFUND, back.refund)
    known = return_known_as(*of, whose_return(*of, back.refund_sender or back.own_sender))
    if known is None:
        raise NotYetError(ReasonCode.REFUND_NOT_KNOWN, refund=back.refund)
    if known.taken_back_on is not None:
        return because(ReasonCode.RETURN_TAKEN_BACK, return_id=back.refund, on=known.taken_back_on)
    if paid.reversed_on is not None:
        raise NotYetError(ReasonCode.PAYMENT_IS_REVERSED, payment=back.payment, on=paid.reversed_on)
    on, now = back.taken_back_on, ctx.now()
    if not known.returned_on <= on <= ctx.today():
        raise RejectedError(
            ReasonCode.REFUND_TAKEN_BACK_ON_WRONG_DAY,
            refund=back.refund,
            refunded_on=known.returned_on,
            on=on,
        )
    rest = known.amount - known.undone
    rest -= explain_return(connection, paid.loan_id, on, rest)
    update_return(
        connection, known.id, taken_back_on=on, taken_back_at=now, taken_back_by=back.actor
    )
    update_payment(
        connection,
        paid.id,
        returned=paid.returned - known.amount,
        unallocated=paid.unallocated + rest,
    )
    if rest:
        allocate_left_over(connection, ctx.allocation_order(paid.jurisdiction), paid.loan_id)
        keep_promises(connection, ctx, [paid.loan_id], now)
        review_arrangements(connection, ctx, [paid.loan_id], now)
    taken_back = because(ReasonCode.REFUND_TAKEN_BACK, refund=back.refund, payment=back.payment)
    arrears = reassess(connection, ctx, [paid.loan_id], now)[paid.loan_id]
    return (*taken_back, *where_it_stands(arrears, paid.currency))


def _rest_is_unknown(connection: Connection, paid: RecordedPayment) -> bool:
    """Whether a payment was never allocated here, because a tape contained it."""
    is_allocated = paid.unallocated or allocations_of(connection, paid.id)
    return paid.in_tape_as_of is not None and not is_allocated
