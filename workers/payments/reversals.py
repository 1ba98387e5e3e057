"""Reversals: a payment bounced or was taken back, in whole or in part; and refunds.

What it paid is unpaid again. The allocations of other payments stay as they are. Only money that
they had left over is allocated to what became unpaid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.allocation import (
    Allocation,
    AllocationOrder,
    allocate,
    apply_allocations,
    in_order,
    merge_allocations,
)
from domain.events import NotYetError, RejectedError
from domain.loans import ZERO, Instalment
from domain.money import check_amount
from domain.payments import ReturnKind
from domain.reasons import ReasonCode, Reasons, because
from domain.tape_reconciliation import remove_paid
from workers.context import Context
from workers.db.adjustments import save_schedule
from workers.db.loans import load_schedule, lock_loan_of
from workers.db.parts import replace_parts
from workers.db.payments import (
    PaymentReturn,
    RecordedPayment,
    insert_return,
    read_payment,
    return_known_as,
    update_payment,
    update_return,
    was_taken_back,
)
from workers.db.problems import TAPE_SHOWS_LESS, resolve_problems
from workers.db.schema import allocation
from workers.db.schema import payment as payment_table
from workers.db.sender_ids import whose_id
from workers.escalation.reassess import reassess
from workers.hardship.promises import keep_promises
from workers.payments.left_over import allocate_left_over, allocations_of
from workers.payments.payments import where_it_stands

# A tape may have changed since what is paid of an instalment: never below zero. Returns what was
# subtracted.
_UNPAY = text("""
UPDATE instalment i
   SET paid_fees = greatest(0, i.paid_fees - a.fees),
       paid_interest = greatest(0, i.paid_interest - a.interest),
       paid_principal = greatest(0, i.paid_principal - a.principal)
  FROM (SELECT due_on,
               coalesce(sum(amount) FILTER (WHERE component = 'fees'), 0) AS fees,
               coalesce(sum(amount) FILTER (WHERE component = 'interest'), 0) AS interest,
               coalesce(sum(amount) FILTER (WHERE component = 'principal'), 0) AS principal
          FROM allocation WHERE payment_id = :payment_id GROUP BY due_on) a
  JOIN instalment was ON was.loan_id = :loan_id AND was.due_on = a.due_on
 WHERE i.loan_id = :loan_id AND i.due_on = a.due_on
RETURNING was.paid_fees - i.paid_fees + was.paid_interest - i.paid_interest
          + was.paid_principal - i.paid_principal
""")


@dataclass(frozen=True, slots=True)
class Reversal:
    """A payment went back to who paid it, without the lender's doing."""

    payment: str
    """The lender's own id of the payment."""
    reversed_on: date
    amount: Decimal | None = None
    """Of a reversal in part; None for all that is left of the payment."""
    reversal: str | None = None
    """The lender's own id of a reversal in part: the same id is the same reversal."""
    actor: str | None = None
    sender: str | None = None
    """Whose id of the payment it is."""


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


def reverse_payment(connection: Connection, ctx: Context, reversal: Reversal) -> Reasons:
    """Take back a payment, or a part of it, and what followed from it, in the caller's transaction.

    What it had paid is unpaid again, so the date since which the loan is delinquent moves back. Of
    a part, first what it had left over goes, then what it paid last. The allocations of a whole
    payment stay on record. If the loan's newest tape contains the payment, the reversal is only
    noted: the tape says what is paid of each instalment, and the next one will say what is unpaid
    again. Until then nobody is contacted about it, in the borrower's favour. Returns what
    came of it.

    Raises:
        NotYetError: the payment is not known.
        RejectedError: it would have been reversed before it was paid, or more of it than is left.
    """
    paid = _lock(connection, reversal.payment, reversal.sender)
    name, on = reversal.payment, reversal.reversed_on
    if reversal.amount is not None and reversal.reversal is not None:
        known = return_known_as(connection, paid.id, ReturnKind.REVERSAL, reversal.reversal)
        if known is not None:
            return _known(reversal.reversal, known, reversal.amount)
    if paid.reversed_on is not None:
        return because(ReasonCode.REVERSAL_KNOWN, payment=name, on=paid.reversed_on)
    if on < paid.paid_on:
        raise RejectedError(
            ReasonCode.REVERSAL_BEFORE_PAYMENT, payment=name, paid_on=paid.paid_on, on=on
        )
    if reversal.amount is not None:
        return _reverse_part(connection, ctx, paid, reversal, reversal.amount)
    contained = paid.is_in_newest_tape
    update_payment(
        connection,
        paid.id,
        reversed_on=on,
        reversed_at=ctx.now(),
        in_tape_as_of=(paid.in_tape_as_of or paid.tape_as_of) if contained else None,
    )
    if contained:
        return because(ReasonCode.REVERSAL_IN_TAPE, payment=name, on=paid.tape_as_of)
    allocated = {"payment_id": paid.id, "loan_id": paid.loan_id}
    subtracted = sum(connection.execute(_UNPAY, allocated).scalars(), ZERO)
    elsewhere = paid.kept - paid.unallocated - subtracted
    if elsewhere > ZERO:
        # A tape moved what it had paid to another instalment.
        order = ctx.allocation_order(paid.jurisdiction)
        before = load_schedule(connection, paid.loan_id)
        after = remove_paid(before, elsewhere, order, paid.paid_on, paid.instalment)
        save_schedule(connection, paid.loan_id, before, after)
    return _after_reversal(connection, ctx, paid)


def take_back_reversal(connection: Connection, ctx: Context, back: ReversalTakenBack) -> Reasons:
    """The reversal of a payment, or of a part of it, did not happen; in the caller's transaction.

    The money is allocated again. If the reversal was only noted, or a tape contains that it was
    taken back, the payment has left over again what went back of that, and nothing else changes.

    Raises:
        NotYetError: the payment or the reversal is not known.
        RejectedError: the payment is one of another loan, or the reversal would have been taken
            back before it happened.
    """
    paid = _lock(connection, back.payment, back.sender)
    if paid.loan != back.loan:
        raise RejectedError(
            ReasonCode.PAYMENT_ID_TAKEN,
            payment=back.payment,
            loan=paid.loan,
            amount=paid.amount,
            currency=paid.currency,
        )
    on, now = back.taken_back_on, ctx.now()
    noted = {"taken_back_on": on, "taken_back_at": now, "taken_back_by": back.actor}
    part = None
    if back.reversal is not None:
        part = return_known_as(connection, paid.id, ReturnKind.REVERSAL, back.reversal)
    reversed_on = part.returned_on if part else paid.reversed_on
    if (back.reversal is not None and part is None) or reversed_on is None:
        return _nothing_to_take_back(connection, paid, back)
    if part and part.taken_back_on is not None:
        return because(ReasonCode.REVERSAL_TAKEN_BACK_KNOWN, payment=back.payment)
    if part and paid.reversed_on is not None:
        raise RejectedError(
            ReasonCode.PAYMENT_IS_REVERSED, payment=back.payment, on=paid.reversed_on
        )
    if on < reversed_on:
        raise RejectedError(
            ReasonCode.REVERSAL_TAKEN_BACK_TOO_EARLY,
            payment=back.payment,
            reversed_on=reversed_on,
            on=on,
        )
    if part:
        is_noted, amount = part.in_tape_as_of is not None, part.amount
        returned = paid.returned - amount
        update_return(connection, part.id, **noted)
        update_payment(connection, paid.id, returned=returned)
        of_rest = amount - part.undone
    else:
        is_noted, amount, of_rest = paid.in_tape_as_of is not None, paid.kept, ZERO
        insert_return(
            connection,
            paid.id,
            ReturnKind.REVERSAL,
            amount=amount,
            returned_on=reversed_on,
            recorded_at=paid.reversed_at,
            **noted,
        )
        update_payment(connection, paid.id, reversed_on=None, reversed_at=None)
        if not is_noted:
            replace_parts(connection, allocation, {paid.id: ()})
            update_payment(connection, paid.id, unallocated=ZERO)
            paid = paid._replace(unallocated=ZERO)
    if is_noted or (paid.tape_as_of is not None and on < paid.tape_as_of):
        if of_rest:
            update_payment(connection, paid.id, unallocated=paid.unallocated + of_rest)
            order = ctx.allocation_order(paid.jurisdiction)
            allocate_left_over(connection, order, paid.loan_id)
            reassess(connection, ctx, [paid.loan_id], now)
        return because(ReasonCode.REVERSAL_TAKEN_BACK, payment=back.payment)
    _allocate_again(connection, ctx, paid, amount)
    keep_promises(connection, [paid.loan_id], now)
    taken_back = because(ReasonCode.REVERSAL_TAKEN_BACK, payment=back.payment)
    arrears = reassess(connection, ctx, [paid.loan_id], now)[paid.loan_id]
    return (*taken_back, *where_it_stands(arrears, paid.currency))


def record_refund(connection: Connection, ctx: Context, refund: Refund) -> Reasons:
    """Record that the lender gave back what a payment had left over.

    Of a payment that was never allocated here, because a tape contained it, what is left over is
    not known: the refund is noted.

    Raises:
        NotYetError: the payment is not known.
        RejectedError: the payment has less left over, was reversed, or was made later.
    """
    paid = _lock(connection, refund.payment, refund.sender)
    known = return_known_as(connection, paid.id, ReturnKind.REFUND, refund.refund)
    if known is not None:
        return _known(refund.refund, known, refund.amount)
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
    unknown_rest = paid.in_tape_as_of is not None
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
        amount=refund.amount,
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


def _lock(connection: Connection, external_id: str, sender: str | None) -> RecordedPayment:
    whose = whose_id(connection, payment_table, external_id, sender)
    if lock_loan_of(connection, payment_table, external_id, whose) is None:
        raise NotYetError(ReasonCode.PAYMENT_NOT_KNOWN, payment=external_id)
    return read_payment(connection, external_id, whose)


def _known(return_id: str, known: PaymentReturn, amount: Decimal) -> Reasons:
    if known.amount != amount:
        raise RejectedError(ReasonCode.RETURN_ID_TAKEN, return_id=return_id, amount=known.amount)
    if known.taken_back_on is not None:
        return because(ReasonCode.RETURN_TAKEN_BACK, return_id=return_id, on=known.taken_back_on)
    return because(ReasonCode.RETURN_KNOWN, return_id=return_id)


def _nothing_to_take_back(
    connection: Connection, paid: RecordedPayment, back: ReversalTakenBack
) -> Reasons:
    """A reversal that comes later than its taking back is waited for, unless it is taken back."""
    if back.reversal is None and was_taken_back(connection, paid.id):
        return because(ReasonCode.REVERSAL_TAKEN_BACK_KNOWN, payment=back.payment)
    raise NotYetError(ReasonCode.REVERSAL_NOT_KNOWN, payment=back.payment)


def _reverse_part(
    connection: Connection,
    ctx: Context,
    paid: RecordedPayment,
    reversal: Reversal,
    amount: Decimal,
) -> Reasons:
    check_amount(amount, paid.currency, reversal.payment, paid.currency)
    if amount > paid.kept:
        raise RejectedError(
            ReasonCode.RETURN_TOO_LARGE,
            payment=reversal.payment,
            amount=paid.kept,
            currency=paid.currency,
        )
    contained = paid.is_in_newest_tape
    of_rest = min(amount, paid.unallocated)
    insert_return(
        connection,
        paid.id,
        ReturnKind.REVERSAL,
        external_id=reversal.reversal,
        amount=amount,
        undone=amount - of_rest,
        returned_on=reversal.reversed_on,
        recorded_at=ctx.now(),
        actor=reversal.actor,
        in_tape_as_of=paid.tape_as_of if contained else None,
    )
    update_payment(
        connection,
        paid.id,
        returned=paid.returned + amount,
        unallocated=paid.unallocated - of_rest,
    )
    if contained:
        return because(ReasonCode.REVERSAL_IN_TAPE, payment=reversal.payment, on=paid.tape_as_of)
    order = ctx.allocation_order(paid.jurisdiction)
    schedule = load_schedule(connection, paid.loan_id)
    allocations = allocations_of(connection, paid.id)
    steps = list(in_order(schedule, order, paid.paid_on, paid.instalment))
    places = {(due.due_on, component): place for place, (due, component) in enumerate(steps)}
    last_first = sorted(
        allocations,
        key=lambda part: places.get((part.due_on, part.component), len(steps)),
        reverse=True,
    )
    undone = _from_first(last_first, amount - of_rest)
    kept = [part for part in merge_allocations(allocations, undone) if part.amount]
    replace_parts(connection, allocation, {paid.id: kept})
    save_schedule(connection, paid.loan_id, schedule, _unpaid(schedule, undone, order, paid))
    return _after_reversal(connection, ctx, paid)


def _from_first(parts: Sequence[Allocation], amount: Decimal) -> list[Allocation]:
    """So much of the parts, from the first on, as what is subtracted from them."""
    undone: list[Allocation] = []
    for part in parts:
        cut = min(part.amount, amount)
        if cut > ZERO:
            undone.append(Allocation(part.due_on, part.component, -cut))
            amount -= cut
    return undone


def _unpaid(
    schedule: Sequence[Instalment],
    undone: Sequence[Allocation],
    order: AllocationOrder,
    paid: RecordedPayment,
) -> tuple[Instalment, ...]:
    """The instalments without what a payment had paid. What a tape moved to another one since is
    subtracted in the order of payments."""
    by_due_on = {instalment.due_on: instalment for instalment in schedule}
    there: list[Allocation] = []
    elsewhere = ZERO
    for part in undone:
        instalment = by_due_on.get(part.due_on)
        cut = min(-part.amount, instalment.paid_of(part.component)) if instalment else ZERO
        elsewhere += -part.amount - cut
        if cut:
            there.append(Allocation(part.due_on, part.component, -cut))
    after = apply_allocations(schedule, there)
    return remove_paid(after, elsewhere, order, paid.paid_on, paid.instalment)


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


def _after_reversal(connection: Connection, ctx: Context, paid: RecordedPayment) -> Reasons:
    order = ctx.allocation_order(paid.jurisdiction)
    allocate_left_over(connection, order, paid.loan_id)
    resolve_problems(connection, [paid.loan_id], (TAPE_SHOWS_LESS,), ctx.now())
    arrears = reassess(connection, ctx, [paid.loan_id], ctx.now())[paid.loan_id]
    return where_it_stands(arrears, paid.currency)
