"""Allocation: which part of which instalment a payment pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.loans import ZERO, Component, Instalment


class AllocateBy(StrEnum):
    """What goes first: the age of the instalment, or the kind of the debt."""

    INSTALMENT = "instalment"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class AllocationOrder:
    """The lender's order of allocation.

    The default is the order of Civil Code of the PRC art. 561 — costs, then interest, then
    principal — within the oldest instalment first. Contracts may agree otherwise.
    """

    components: tuple[Component, ...] = (Component.FEES, Component.INTEREST, Component.PRINCIPAL)
    by: AllocateBy = AllocateBy.INSTALMENT


@dataclass(frozen=True, slots=True)
class Allocation:
    """One amount, in the loan's currency, laid against one component of one instalment."""

    due_on: date
    component: Component
    amount: Decimal


def allocate(
    instalments: Sequence[Instalment], amount: Decimal, order: AllocationOrder
) -> tuple[tuple[Allocation, ...], Decimal]:
    """Lay a payment of `amount` against unpaid instalments, those not due yet included.

    Returns the allocations and what is left over once everything is paid. The amount must be
    positive.

    Raises:
        ValueError: the amount is zero or less.
    """
    if amount <= ZERO:
        raise ValueError("a payment is more than zero")
    allocations: list[Allocation] = []
    left = amount
    for instalment, component in _places(instalments, order):
        part = min(left, instalment.unpaid_of(component))
        if part > ZERO:
            allocations.append(Allocation(instalment.due_on, component, part))
            left -= part
    return tuple(allocations), left


def apply_allocations(
    instalments: Sequence[Instalment], allocations: Sequence[Allocation]
) -> tuple[Instalment, ...]:
    """The instalments with what the allocations pay of them, in due order."""
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    for part in allocations:
        one = by_due_on[part.due_on]
        paid = f"paid_{part.component}"
        by_due_on[part.due_on] = replace(one, **{paid: getattr(one, paid) + part.amount})
    return tuple(sorted(by_due_on.values(), key=lambda one: one.due_on))


def merge_allocations(
    some: Sequence[Allocation], more: Sequence[Allocation]
) -> tuple[Allocation, ...]:
    """All of them as one payment's: what lies in the same place is one amount."""
    amounts: dict[tuple[date, Component], Decimal] = {}
    for part in (*some, *more):
        place = (part.due_on, part.component)
        amounts[place] = amounts.get(place, ZERO) + part.amount
    return tuple(Allocation(*place, amount) for place, amount in amounts.items())


def _places(
    instalments: Sequence[Instalment], order: AllocationOrder
) -> Iterator[tuple[Instalment, Component]]:
    oldest_first = sorted(instalments, key=lambda instalment: instalment.due_on)
    if order.by is AllocateBy.INSTALMENT:
        yield from ((i, component) for i in oldest_first for component in order.components)
    else:
        yield from ((i, component) for component in order.components for i in oldest_first)
