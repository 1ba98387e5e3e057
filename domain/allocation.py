"""Allocation: which part of which instalment a payment pays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.loans import ZERO, Component, Instalment


class AllocateBy(StrEnum):
    """What is paid first: the oldest instalment, or the first component of every instalment."""

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
    """The part of a payment, in the loan's currency, that pays one component of one instalment."""

    due_on: date
    component: Component
    amount: Decimal


def allocate(
    instalments: Sequence[Instalment], amount: Decimal, order: AllocationOrder
) -> tuple[tuple[Allocation, ...], Decimal]:
    """Allocate a payment of `amount` to the unpaid instalments, also to those not due yet.

    Returns the allocations, and the amount that is left over once everything is paid.

    Raises:
        ValueError: the amount is zero or less.
    """
    if amount <= ZERO:
        raise ValueError("a payment is more than zero")
    allocations: list[Allocation] = []
    left = amount
    for instalment, component in _in_order(instalments, order):
        part = min(left, instalment.unpaid_of(component))
        if part > ZERO:
            allocations.append(Allocation(instalment.due_on, component, part))
            left -= part
    return tuple(allocations), left


def apply_allocations(
    instalments: Sequence[Instalment], allocations: Sequence[Allocation]
) -> tuple[Instalment, ...]:
    """The instalments after the allocations have paid their part of them, in due order."""
    by_due_on = {instalment.due_on: instalment for instalment in instalments}
    for part in allocations:
        instalment = by_due_on[part.due_on]
        by_due_on[part.due_on] = instalment.with_paid(part.component, part.amount)
    return tuple(sorted(by_due_on.values(), key=lambda instalment: instalment.due_on))


def merge_allocations(
    some: Sequence[Allocation], more: Sequence[Allocation]
) -> tuple[Allocation, ...]:
    """Both as one payment's: the amounts for the same component of an instalment are added."""
    amounts: dict[tuple[date, Component], Decimal] = {}
    for part in (*some, *more):
        key = (part.due_on, part.component)
        amounts[key] = amounts.get(key, ZERO) + part.amount
    return tuple(Allocation(*key, amount) for key, amount in amounts.items())


def _in_order(
    instalments: Sequence[Instalment], order: AllocationOrder
) -> Iterator[tuple[Instalment, Component]]:
    oldest_first = sorted(instalments, key=lambda instalment: instalment.due_on)
    if order.by is AllocateBy.INSTALMENT:
        yield from ((i, component) for i in oldest_first for component in order.components)
    else:
        yield from ((i, component) for component in order.components for i in oldest_first)
