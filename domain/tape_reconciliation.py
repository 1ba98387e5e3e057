"""What is owed and paid of a loan, when both a tape and what is recorded here give figures.

A tape of a day contains the payments and the adjustments that were booked before that day, and no
other. The total paid never falls: a tape that was exported too early, or that carries a wrong date,
must not undo a payment. Otherwise somebody who has paid would be contacted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from domain.adjustments import (
    AdjustedPart,
    Adjustment,
    AdjustmentKind,
    adjust,
    apply_parts,
    as_counted,
    merge_parts,
    take_back_charge,
    undo,
    where_contained,
)
from domain.allocation import Allocation, AllocationOrder, allocate, apply_allocations, in_order
from domain.loans import ZERO, Component, Instalment

_More: TypeAlias = defaultdict[tuple[date, Component], Decimal]
"""How much more the tape shows as owed than is on record, by due date and component."""

NOT_SAID = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """A payment recorded here that decides what a tape means."""

    id: int
    paid_on: date
    amount: Decimal
    pays: Decimal
    """The part that is allocated to instalments; of a reversed payment, the part that was."""
    reversed: bool = False
    """Reversed on the day of the tape or later; its allocations are already removed."""
    instalment: date | None = None
    """The due date of the instalment that the payer named."""
    recorded_at: datetime = NOT_SAID


@dataclass(frozen=True, slots=True)
class BookedAdjustment:
    """An adjustment recorded here that decides what a tape means."""

    id: int
    adjustment: Adjustment
    parts: tuple[AdjustedPart, ...] = ()
    """What it changed before."""
    taken_back: bool = False
    """On the day of the tape or later, which contains the adjustment itself."""
    recorded_at: datetime = NOT_SAID


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is recorded here about a loan of the tape."""

    paid: Decimal = ZERO
    """The total paid of all its instalments."""
    may_fall_by: Decimal = ZERO
    """The total of payments that an earlier tape contained and that were reversed since: a tape may
    show that much less."""
    payments: tuple[BookedPayment, ...] = ()
    """In order of date: valid ones booked on the tape's day or later, reversed ones booked before
    the tape's day."""
    adjustments: tuple[BookedAdjustment, ...] = ()
    """The same of adjustments; of those that were taken back, only what was against the
    borrower, also of the tape's own day."""
    left_over: Decimal = ZERO
    """What payments booked before the tape's day have left over."""
    should_fall_by: Decimal = ZERO
    """What these payments paid, if they were reversed before the tape's day: it shows that much
    less, unless the reversals were taken back."""
    may_come_late: bool = False
    """Money that the tape contains may be reported later: a refund or a reversal on record may turn
    out to be taken back, or what seems to be left over may have been another payment. Of a loan
    with a plan it matters besides when it was paid."""
    owed: tuple[Instalment, ...] = ()
    """All its instalments, if an adjustment of the tape's own day is against the borrower; what is
    paid of them does not matter here."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The instalments of the tape, with everything that is paid of them."""

    instalments: tuple[Instalment, ...]
    allocations: Mapping[int, tuple[tuple[Allocation, ...], Decimal]]
    """By id of each payment of the tape's day or later: its allocations, and what is left."""
    adjusted: Mapping[int, tuple[AdjustedPart, ...]]
    """By id of each adjustment of the tape's day or later: what it changes."""
    less: Decimal
    """How much less the tape shows as paid than is recorded here. The higher figure was kept."""
    fallen: bool
    """The total paid has fallen, because payments were reversed."""
    spent: Decimal = ZERO
    """How much of what payments had left over the tape shows as paid."""
    unexplained: Decimal = ZERO
    """How much more it shows as paid than is on record, besides. Only if that may be reported
    later."""


def reconcile(
    on_tape: Sequence[Instalment], known: OnRecord, as_of: date, order: AllocationOrder
) -> Reconciled:
    """Merge the tape of `as_of` with what is recorded here, into one schedule in due order.

    The tape decides which instalments are paid, for the lender may have moved or added some.
    Payments booked on the tape's day or later are then allocated. Of the day itself as well, also
    if the tape shows that much more than was on record: it may show another payment of the same
    amount. Reversals of the tape's day or later are subtracted, if the tape shows what was paid.

    Adjustments are treated in the same way, but what is against the borrower does not count twice:
    of a charge of the tape's own day, only so much is added as the tape does not show more than is
    on record without it. It may show another charge: then the next tape shows both.
    """
    live = [payment for payment in known.payments if not payment.reversed]
    before = known.paid - sum((payment.pays for payment in live), ZERO)
    instalments = tuple(on_tape)
    shown = _already_shown(instalments, known, as_of, order)
    for booked in known.adjustments:
        if booked.taken_back and (booked.adjustment.booked_on < as_of or booked.id in shown):
            parts = shown.get(booked.id) or booked.parts or _changes(instalments, booked, order)
            instalments = _taken_back(instalments, booked, parts, order, as_of)
    for payment in known.payments:
        if payment.reversed and paid_in_all(instalments) - payment.pays >= before:
            instalments = remove_paid(
                instalments, payment.pays, order, payment.paid_on, payment.instalment
            )
    spent, unexplained = explain(
        paid_in_all(instalments) - before + known.should_fall_by, known, as_of
    )
    allocations: dict[int, tuple[tuple[Allocation, ...], Decimal]] = {}
    adjusted: dict[int, tuple[AdjustedPart, ...]] = {}
    for entry in _in_order_of_day(live, known.adjustments):
        if isinstance(entry, BookedAdjustment):
            if entry.id in shown:
                changes = _not_shown(entry, shown[entry.id])
            else:
                changes = _changes(instalments, entry, order)
            adjusted[entry.id] = merge_parts(shown.get(entry.id, ()), changes)
            instalments = apply_parts(instalments, changes)
        else:
            paid, left = allocate(instalments, entry.amount, order, entry.paid_on, entry.instalment)
            instalments = apply_allocations(instalments, paid)
            allocations[entry.id] = (paid, left)
    less = _short_of(instalments, known.paid - known.may_fall_by)
    if less:
        instalments = apply_allocations(instalments, allocate(instalments, less, order, as_of)[0])
    fallen = paid_in_all(instalments) < known.paid
    return Reconciled(instalments, allocations, adjusted, less, fallen, spent, unexplained)


def explain(more: Decimal, known: OnRecord, as_of: date) -> tuple[Decimal, Decimal]:
    """How much of what a tape shows as paid more than is on record, without payments of its day or
    later, is left-over money; and how much is not explained. It may contain payments of its own
    day: what it shows of them is neither."""
    of_its_day = (each for each in known.payments if not each.reversed and each.paid_on == as_of)
    more = max(ZERO, more - sum((each.pays for each in of_its_day), ZERO))
    spent = min(known.left_over, more)
    return spent, more - spent if known.may_come_late else ZERO


def _in_order_of_day(
    payments: Sequence[BookedPayment], adjustments: Sequence[BookedAdjustment]
) -> list[BookedPayment | BookedAdjustment]:
    """Of a day, the charges come first, then everything in the order in which it was recorded.
    Otherwise a waiver of all that is unpaid would waive what a payment before it had paid.

    Of one moment, a waiver of something certain comes before the payments: they pay something else,
    and not what is not owed any more. A waiver of all that is unpaid comes after them: what is paid
    is not unpaid, and the payment does not come to nothing.
    """
    live = [each for each in adjustments if not each.taken_back]
    dated: list[tuple[date, bool, datetime, int, BookedPayment | BookedAdjustment]] = [
        *(
            (
                *(each.adjustment.booked_on, not _charges(each), each.recorded_at),
                2 if each.adjustment.waives_all else 0,
                each,
            )
            for each in live
        ),
        *((each.paid_on, True, each.recorded_at, 1, each) for each in payments),
    ]
    return [each for *_, each in sorted(dated, key=lambda entry: entry[:4])]


def _already_shown(
    on_tape: Sequence[Instalment], known: OnRecord, as_of: date, order: AllocationOrder
) -> Mapping[int, tuple[AdjustedPart, ...]]:
    """What raises the debt, was booked on the tape's own day and is in the tape: by id, with its
    parts. The tape shows so much more than is on record without adjustments of that day or later.

    Of a charge it may be a part, and on any instalment: the lender may have waived or moved some.
    """
    if not known.owed:
        return {}
    more: _More = defaultdict(Decimal)
    for sign, instalments in ((1, on_tape), (-1, known.owed)):
        for instalment in instalments:
            for component in Component:
                more[instalment.due_on, component] += sign * instalment.owed_of(component)
    # A charge that a later tape contains has no parts on record.
    parts_of = {
        booked.id: booked.parts or (_changes(on_tape, booked, order) if _charges(booked) else ())
        for booked in known.adjustments
    }
    for booked in known.adjustments:
        if not booked.taken_back:
            for part in parts_of[booked.id]:
                more[part.due_on, part.component] += part.amount
    shown: dict[int, tuple[AdjustedPart, ...]] = {}
    for booked in known.adjustments:
        if booked.adjustment.booked_on != as_of or booked.adjustment.kind.eases:
            continue
        parts = parts_of[booked.id]
        if _charges(booked):
            parts = _shown_of_charge(parts, on_tape, more)
        raised = [part for part in parts if part.amount > ZERO]
        if raised and all(more[part.due_on, part.component] >= part.amount for part in raised):
            shown[booked.id] = parts
            for part in parts:
                more[part.due_on, part.component] -= part.amount
    return shown


def _shown_of_charge(
    charged: Sequence[AdjustedPart], on_tape: Sequence[Instalment], more: _More
) -> tuple[AdjustedPart, ...]:
    """What the tape shows of a charge, and where: first where it was charged."""
    if not charged:
        return ()
    component = charged[0].component
    in_all = sum((each for (_, of), each in more.items() if of is component), ZERO)
    left = min(in_all, sum((part.amount for part in charged), ZERO))
    places = {instalment.due_on: instalment.counts_from for instalment in on_tape}
    places = {part.due_on: part.counts_from for part in charged} | places
    parts: list[AdjustedPart] = []
    for due_on, counts_from in places.items():
        amount = min(left, more[due_on, component])
        if amount > ZERO:
            parts.append(AdjustedPart(due_on, component, amount, counts_from))
            left -= amount
    return tuple(parts)


def _not_shown(booked: BookedAdjustment, shown: Sequence[AdjustedPart]) -> tuple[AdjustedPart, ...]:
    """The rest of a charge of which the tape shows a part. It falls due with that part."""
    in_all = sum((part.amount for part in shown), ZERO)
    rest = (booked.adjustment.amount or ZERO) - in_all
    return (replace(shown[-1], amount=rest),) if _charges(booked) and rest else ()


def _charges(booked: BookedAdjustment) -> bool:
    return booked.adjustment.kind is AdjustmentKind.CHARGE


def _taken_back(
    instalments: Sequence[Instalment],
    booked: BookedAdjustment,
    parts: Sequence[AdjustedPart],
    order: AllocationOrder,
    as_of: date,
) -> tuple[Instalment, ...]:
    """The instalments without it. What the tape shows as paid of a charge pays something else."""
    if not _charges(booked):
        return apply_parts(instalments, undo(instalments, parts))
    after, paid, _ = take_back_charge(instalments, where_contained(instalments, parts))
    freed = sum(paid.values(), ZERO)
    return apply_allocations(after, allocate(after, freed, order, as_of)[0]) if freed else after


def _changes(
    instalments: Sequence[Instalment], booked: BookedAdjustment, order: AllocationOrder
) -> tuple[AdjustedPart, ...]:
    return adjust(instalments, booked.adjustment, order, as_counted(booked.parts))


def paid_in_all(instalments: Sequence[Instalment]) -> Decimal:
    """The total paid of all of them."""
    return sum((instalment.paid for instalment in instalments), ZERO)


def remove_paid(
    instalments: Sequence[Instalment],
    amount: Decimal,
    order: AllocationOrder,
    on: date,
    first: date | None = None,
) -> tuple[Instalment, ...]:
    """Subtract `amount` from what is paid: what a payment of `on` pays last, first.

    Of a payment that named the instalment due on `first`, it is subtracted there before all others.
    """
    parts: list[Allocation] = []
    last_paid_first = reversed(list(in_order(instalments, order, on)))
    for instalment, component in sorted(last_paid_first, key=lambda step: step[0].due_on != first):
        part = min(amount, instalment.paid_of(component))
        parts.append(Allocation(instalment.due_on, component, -part))
        amount -= part
    return apply_allocations(instalments, parts)


def _short_of(instalments: Sequence[Instalment], known: Decimal) -> Decimal:
    owed = sum((instalment.amount for instalment in instalments), ZERO)
    return max(ZERO, min(known, owed) - paid_in_all(instalments))
