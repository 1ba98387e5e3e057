"""Adjustments: charges, waivers, instalments left out and accelerations.

Each changes what is owed, and when it falls due. None of them changes what was paid.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from domain.allocation import Allocation, AllocationOrder, apply_allocations, in_order
from domain.loans import ZERO, Component, Instalment
from domain.schedule import month_after


class AdjustmentKind(StrEnum):
    """What a lender does to a schedule."""

    CHARGE = "charge"  # a fee or interest that is owed besides
    WAIVER = "waiver"  # what is not paid yet is not owed any more
    LEFT_OUT = "left_out"  # an instalment is paid later
    ACCELERATION = "acceleration"  # all that falls due after a day falls due on that day

    @property
    def eases(self) -> bool:
        """Whether the borrower owes less, or later. Taking it back is then against the borrower."""
        return self in (AdjustmentKind.WAIVER, AdjustmentKind.LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One adjustment, as the lender booked it."""

    kind: AdjustmentKind
    booked_on: date
    amount: Decimal | None = None
    """What is charged or waived; of a waiver, None: all that is unpaid."""
    component: Component | None = None
    """What is charged; of a waiver, the only component that it lowers, None: all of them."""
    instalment: date | None = None
    """The due date of the instalment left out, or of the only instalment that a waiver lowers."""
    due_on: date | None = None
    """When what is charged, moved or accelerated falls due."""

    @property
    def waives_all(self) -> bool:
        """Whether it waives all that is unpaid of the loan, whatever that is."""
        named = (self.amount, self.component, self.instalment)
        return self.kind is AdjustmentKind.WAIVER and not any(named)


@dataclass(frozen=True, slots=True)
class AdjustedPart:
    """How an adjustment changes what is owed of one component of one instalment."""

    due_on: date
    component: Component
    amount: Decimal
    """More is owed if it is above zero, less if it is below."""
    counts_from: date | None
    """When that instalment really falls due, as in `Instalment`."""


FallsDue: TypeAlias = Callable[[date], date | None]
"""When what is due on a day really falls due; None: the calendar does not go that far yet."""


def adjust(
    instalments: Sequence[Instalment],
    adjustment: Adjustment,
    order: AllocationOrder,
    falls_due: FallsDue,
) -> tuple[AdjustedPart, ...]:
    """What an adjustment changes on a schedule. Empty: there is nothing that it could change.

    A waiver lowers what is unpaid, the oldest instalment first, and never what was paid.
    """
    match adjustment:
        case Adjustment(
            AdjustmentKind.CHARGE, amount=Decimal() as amount, component=Component() as component
        ):
            due_on = adjustment.due_on or adjustment.booked_on
            return (
                AdjustedPart(due_on, component, amount, _counts(instalments, falls_due, due_on)),
            )
        case Adjustment(AdjustmentKind.WAIVER):
            return tuple(_waived(instalments, adjustment, order))
        case Adjustment(AdjustmentKind.LEFT_OUT, due_on=date() as due_on):
            moved = [i for i in instalments if i.due_on == adjustment.instalment]
        case Adjustment(AdjustmentKind.ACCELERATION, due_on=date() as due_on):
            moved = [i for i in instalments if i.due_on > due_on]
        case _:
            raise ValueError("the adjustment lacks what its kind needs")
    return _moved(moved, due_on, _counts(instalments, falls_due, due_on))


def undo(
    instalments: Sequence[Instalment], parts: Sequence[AdjustedPart]
) -> tuple[AdjustedPart, ...]:
    """The parts that take back these parts, as far as what they changed is not paid.

    Amounts that were moved go back to the latest instalments first, because what was paid of them
    counts for the oldest instalments.
    """
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    taken: list[AdjustedPart] = []
    for component in Component:
        of_component = [part for part in parts if part.component is component]
        moves = any(part.amount > ZERO for part in of_component)
        back = ZERO
        for part in of_component:
            if part.amount > ZERO and (instalment := by_due_on.get(part.due_on)):
                amount = min(part.amount, instalment.unpaid_of(component))
                back += amount
                taken.append(replace(part, amount=-amount))
        lowered = [part for part in of_component if part.amount < ZERO]
        for part in sorted(lowered, key=lambda part: part.due_on, reverse=True):
            amount = min(-part.amount, back) if moves else -part.amount
            back -= amount
            taken.append(replace(part, amount=amount))
    return tuple(part for part in taken if part.amount)


def apply_parts(
    instalments: Sequence[Instalment], parts: Iterable[AdjustedPart]
) -> tuple[Instalment, ...]:
    """The instalments after these changes, in due order. One of which nothing is left is gone."""
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    for part in parts:
        instalment = by_due_on.get(part.due_on) or Instalment(
            part.due_on, ZERO, counts_from=part.counts_from
        )
        by_due_on[part.due_on] = instalment.with_owed(part.component, part.amount)
        if by_due_on[part.due_on].amount == ZERO:
            del by_due_on[part.due_on]
    return tuple(by_due_on[due_on] for due_on in sorted(by_due_on))


def where_contained(
    instalments: Sequence[Instalment],
    charged: Sequence[AdjustedPart],
    waived: Mapping[tuple[date, Component], Decimal] | None = None,
) -> tuple[AdjustedPart, ...]:
    """The parts of a charge that a new schedule or a tape contains, where that has them.

    What was charged on a due date that it does not have is owed with the same component of other
    instalments, the latest first. What was waived of it, up to `waived`, is owed nowhere.
    """
    due_dates = {instalment.due_on for instalment in instalments}
    parts = [part for part in charged if part.due_on in due_dates]
    there = {(part.due_on, part.component): part.amount for part in parts}
    for part in charged:
        if part.due_on in due_dates:
            continue
        left = part.amount - (waived or {}).get((part.due_on, part.component), ZERO)
        for instalment in sorted(instalments, key=lambda each: each.due_on, reverse=True):
            key = (instalment.due_on, part.component)
            amount = min(left, instalment.owed_of(part.component) - there.get(key, ZERO))
            if amount > ZERO:
                there[key] = there.get(key, ZERO) + amount
                parts.append(AdjustedPart(*key, amount, instalment.counts_from))
                left -= amount
    return merge_parts(parts, ())


def take_back_charge(
    instalments: Sequence[Instalment],
    charged: Sequence[AdjustedPart],
    waived: Mapping[tuple[date, Component], Decimal] | None = None,
) -> tuple[
    tuple[Instalment, ...],
    dict[tuple[date, Component], Decimal],
    dict[tuple[date, Component], Decimal],
]:
    """The instalments without a charge; what was paid of it; and what was waived of it.

    First goes what is unpaid, then what was waived, up to `waived`, then what was paid.
    """
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    paid: dict[tuple[date, Component], Decimal] = {}
    of_waivers: dict[tuple[date, Component], Decimal] = {}
    for part in charged:
        if (instalment := by_due_on.get(part.due_on)) is not None:
            key = (part.due_on, part.component)
            rest = part.amount - min(part.amount, instalment.unpaid_of(part.component))
            if cut := min(rest, (waived or {}).get(key, ZERO)):
                of_waivers[key] = cut
            if amount := min(rest - cut, instalment.paid_of(part.component)):
                paid[key] = amount
    after = apply_parts(instalments, undo(instalments, charged))
    unpaid = apply_allocations(after, [Allocation(*key, -amount) for key, amount in paid.items()])
    lowered = (AdjustedPart(*key, -amount, None) for key, amount in paid.items())
    return apply_parts(unpaid, lowered), paid, of_waivers


def waive_more(
    instalments: Sequence[Instalment],
    waiver: Adjustment,
    before: Sequence[AdjustedPart],
    charged: Sequence[AdjustedPart],
) -> tuple[AdjustedPart, ...]:
    """What a waiver lowers besides `before`, of what was charged after it came in."""
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    left = waiver.amount
    if left is not None:
        left += sum((part.amount for part in before), ZERO)
    parts: list[AdjustedPart] = []
    for part in charged:
        if waiver.component not in (None, part.component):
            continue
        if waiver.instalment not in (None, part.due_on) or part.due_on not in by_due_on:
            continue
        amount = min(part.amount, by_due_on[part.due_on].unpaid_of(part.component))
        amount = amount if left is None else min(left, amount)
        if amount > ZERO:
            parts.append(replace(part, amount=-amount))
            left = None if left is None else left - amount
    return tuple(parts)


def merge_parts(
    some: Sequence[AdjustedPart], more: Sequence[AdjustedPart]
) -> tuple[AdjustedPart, ...]:
    """Both as one adjustment's: the amounts for the same component of an instalment are added."""
    merged: dict[tuple[date, Component], AdjustedPart] = {}
    for part in (*some, *more):
        known = merged.get((part.due_on, part.component))
        amount = part.amount + (known.amount if known else ZERO)
        merged[part.due_on, part.component] = replace(known or part, amount=amount)
    return tuple(part for part in merged.values() if part.amount)


def day_after_last(instalments: Sequence[Instalment]) -> date:
    """A month after the last instalment: an instalment that is left out goes there by default.

    It is on the latest day of the month on which any instalment is due, or on the last day of a
    shorter month.
    """
    last = max(instalment.due_on for instalment in instalments)
    return month_after(last, 1, max(instalment.due_on.day for instalment in instalments))


def as_counted(parts: Iterable[AdjustedPart]) -> FallsDue:
    """When what is due on a day really falls due, as it was found when these parts were made."""
    known: Mapping[date, date | None] = {part.due_on: part.counts_from for part in parts}
    return lambda due_on: known.get(due_on, due_on)


def _counts(instalments: Sequence[Instalment], falls_due: FallsDue, due_on: date) -> date | None:
    for instalment in instalments:
        if instalment.due_on == due_on:
            return instalment.counts_from
    return falls_due(due_on)


def _waived(
    instalments: Sequence[Instalment], waiver: Adjustment, order: AllocationOrder
) -> Iterator[AdjustedPart]:
    left = waiver.amount
    for instalment, component in in_order(instalments, order, waiver.booked_on):
        if waiver.component not in (None, component):
            continue
        if waiver.instalment not in (None, instalment.due_on):
            continue
        unpaid = instalment.unpaid_of(component)
        amount = unpaid if left is None else min(left, unpaid)
        if amount > ZERO:
            yield AdjustedPart(instalment.due_on, component, -amount, instalment.counts_from)
            left = None if left is None else left - amount


def _moved(
    instalments: Iterable[Instalment], to: date, counts_from: date | None
) -> tuple[AdjustedPart, ...]:
    parts: list[AdjustedPart] = []
    totals: dict[Component, Decimal] = defaultdict(Decimal)
    for instalment in instalments:
        for component in Component:
            unpaid = instalment.unpaid_of(component)
            if unpaid > ZERO and instalment.due_on != to:
                parts.append(
                    AdjustedPart(instalment.due_on, component, -unpaid, instalment.counts_from)
                )
                totals[component] += unpaid
    return (*parts, *(AdjustedPart(to, c, amount, counts_from) for c, amount in totals.items()))
