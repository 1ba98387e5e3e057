"""What a tape means of a loan whose schedule was replaced: the tape has the new schedule, or still
the old one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.allocation import AllocationOrder, allocate, apply_allocations
from domain.loans import ZERO, Instalment
from domain.tape_reconciliation import OnRecord, Reconciled, explain, reconcile, remove_paid


def with_new_schedule(known: OnRecord, as_of: date) -> OnRecord:
    """What is recorded, for a new schedule that replaces the old one: it alone says what is paid of
    it by payments before its day, and so may show less paid than the old one did.

    It contains what was charged or accelerated on its day, `as_of`, before it came in. Otherwise a
    charge would count twice, and on a due date that the new schedule does not have.
    """
    payments = tuple(payment for payment in known.payments if not payment.reversed)
    adjustments = tuple(
        each
        for each in known.adjustments
        if not each.taken_back and (each.adjustment.kind.eases or each.adjustment.booked_on > as_of)
    )
    return replace(
        known,
        may_fall_by=known.paid,
        payments=payments,
        adjustments=adjustments,
        owed=(),
    )


def reconcile_new_schedule(
    new: Sequence[Instalment],
    old: Sequence[Instalment],
    known: OnRecord,
    as_of: date,
    order: AllocationOrder,
) -> Reconciled:
    """Merge the new schedule with what is recorded of the old one, as `reconcile` does.

    What the new schedule shows as paid, and the old one does not on the same due date, was paid
    with what payments had left over.
    """
    result = reconcile(new, with_new_schedule(known, as_of), as_of, order)
    paid = {each.due_on: each.paid for each in old}
    more = sum((each.paid - min(each.paid, paid.get(each.due_on, ZERO)) for each in new), ZERO)
    spent, unexplained = explain(more, known, as_of)
    return replace(result, spent=spent, unexplained=unexplained)


def keep_schedule(
    on_record: Sequence[Instalment],
    shown: Decimal,
    known: OnRecord,
    as_of: date,
    order: AllocationOrder,
) -> Reconciled:
    """The schedule on record, where the tape of `as_of` still has the schedule before it.

    `shown` is what the new schedule would have as paid if the tape had it. If that is more than is
    on record without the payments of the tape's day or later, the rest is added. Reversals of the
    tape's day or later are subtracted from it. If it is less, because payments that an earlier tape
    contained were reversed, the difference is subtracted from what is paid.
    """
    live = tuple(payment for payment in known.payments if not payment.reversed)
    before = known.paid - sum((payment.pays for payment in live), ZERO)
    for payment in known.payments:
        if payment.reversed and shown - payment.pays >= before:
            shown -= payment.pays
    instalments = tuple(on_record)
    more, less = shown - before, min(before - shown, before, known.may_fall_by)
    if more > ZERO:
        instalments = apply_allocations(instalments, allocate(instalments, more, order, as_of)[0])
    if less <= ZERO:
        spent, unexplained = explain(more + known.should_fall_by, known, as_of)
        return Reconciled(instalments, {}, {}, ZERO, False, spent, unexplained)
    for payment in reversed(live):
        instalments = remove_paid(
            instalments, payment.pays, order, payment.paid_on, payment.instalment
        )
    instalments = remove_paid(instalments, less, order, as_of)
    return reconcile(instalments, replace(known, payments=live, adjustments=()), as_of, order)
