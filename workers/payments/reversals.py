"""Reversals: a payment bounced or was taken back, in whole or in part.

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
    apply_allocations,
    in_order,
    merge_allocations,
)
from domain.events import RejectedError
from domain.loans import ZERO, Instalment
from domain.money import check_amount
from domain.payments import ReturnKind
from domain.promises import ReceivedPayment
from domain.reasons import ReasonCode, Reasons, because
from domain.tape_reconciliation import remove_paid
from workers.context import Context
from workers.db.adjustments import save_schedule
from workers.db.loans import load_schedule
from workers.db.parts import replace_parts
from workers.db.payments import (
    RecordedPayment,
    insert_return,
    return_known_as,
    update_payment,
    whose_return,
)
from workers.db.problems import TAPE_SHOWS_LESS, resolve_problems
from workers.db.schema import allocation
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_review import review_arrangements
from workers.hardship.promise_judgement import undo_promises
from workers.payments.left_over import allocate_left_over, allocations_of
from workers.payments.named_payments import known_before, lock_payment
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
    own_sender: str | None = None
    """Whose id of the reversal in part it is."""


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
        RejectedError: it would have been reversed before it was paid, or in the future, or more of
            it than is left.
    """
    paid = lock_payment(connection, reversal.payment, reversal.sender)
    name, on = reversal.payment, reversal.reversed_on
    sender = None
    if reversal.amount is not None and reversal.reversal is not None:
        of = (connection, paid.id, ReturnKind.REVERSAL, reversal.reversal)
        sender = whose_return(*of, reversal.own_sender)
        known = return_known_as(*of, sender)
        if known is not None:
            return known_before(reversal.reversal, known, reversal.amount, paid.currency)
    if paid.reversed_on is not None:
        return because(ReasonCode.REVERSAL_KNOWN, payment=name, on=paid.reversed_on)
    if on < paid.paid_on:
        raise RejectedError(
            ReasonCode.REVERSAL_BEFORE_PAYMENT, payment=name, paid_on=paid.paid_on, on=on
        )
    if on > ctx.today():
        raise RejectedError(ReasonCode.REVERSAL_IN_FUTURE, payment=name, on=on)
    if reversal.amount is not None:
        return _reverse_part(connection, ctx, paid, reversal, reversal.amount, sender)
    if not paid.kept:
        raise RejectedError(
            ReasonCode.RETURN_TOO_LARGE, payment=name, amount=paid.kept, currency=paid.currency
        )
    contained = paid.is_in_newest_tape
    update_payment(
        connection,
        paid.id,
        reversed_on=on,
        reversed_at=ctx.now(),
        in_tape_as_of=(paid.in_tape_as_of or paid.tape_as_of) if contained else None,
    )
    if contained:
        _undo_promises(connection, ctx, paid, paid.kept)
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
    return _after_reversal(connection, ctx, paid, paid.kept)


def _reverse_part(
    connection: Connection,
    ctx: Context,
    paid: RecordedPayment,
    reversal: Reversal,
    amount: Decimal,
    sender: str | None,
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
        sender=sender,
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
        _undo_promises(connection, ctx, paid, amount)
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
    return _after_reversal(connection, ctx, paid, amount)


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


def _after_reversal(
    connection: Connection, ctx: Context, paid: RecordedPayment, amount: Decimal
) -> Reasons:
    order = ctx.allocation_order(paid.jurisdiction)
    allocate_left_over(connection, order, paid.loan_id)
    resolve_problems(connection, [paid.loan_id], (TAPE_SHOWS_LESS,), ctx.now())
    review_arrangements(connection, ctx, [paid.loan_id], ctx.now(), went_back=True)
    arrears = reassess(connection, ctx, [paid.loan_id], ctx.now())[paid.loan_id]
    _undo_promises(connection, ctx, paid, amount)
    return where_it_stands(arrears, paid.currency)


def _undo_promises(
    connection: Connection, ctx: Context, paid: RecordedPayment, amount: Decimal
) -> None:
    """Judge the promises again that the payment had kept, without what went back of it."""
    lost = ReceivedPayment(amount, paid.paid_on, paid.recorded_at)
    undo_promises(connection, ctx, paid.loan_id, lost, ctx.now())
