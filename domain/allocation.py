"""Allocation: which part of which instalment a payment pays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.loans import ZERO, Component, Instalment


class AllocateBy(StrEnum):
    """What is paid first: all of the oldest instalment, or the first component of all that is due.

    What is to come is paid instalment by instalment in both cases.
    """

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
    instalments: Sequence[Instalment],
    amount: Decimal,
    order: AllocationOrder,
    on: date,
    first: date | None = None,
) -> tuple[tuple[Allocation, ...], Decimal]:
    """Allocate a payment of `amount` to the unpaid instalments, also to those not due yet.

    `on` is the day on which it was paid. What is due by then is paid before what is to come.
    `first` is the due date of the instalment that the payer named: it is paid before the others
    (Civil Code of the PRC art. 560). If no instalment is due on that day, it means nothing.

    Returns the allocations, and the amount that is left over once everything is paid.

    Raises:
        ValueError: the amount is zero or less.
    """
    if amount <= ZERO:
        raise ValueError("a payment is more than zero")
    allocations: list[Allocation] = []
    left = amount
    for instalment, component in in_order(instalments, order, on, first):
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


def in_order(
    instalments: Sequence[Instalment],
    order: AllocationOrder,
    on: date,
    first: date | None = None,
) -> Iterator[tuple[Instalment, Component]]:
    """Every component of every instalment, in the order in which a payment of `on` pays them.

    The instalment due on `first` comes before the others.
    By component, all that is due on that day comes first: costs, interest and principal of what is
    overdue. An instalment that is due later follows as a whole. Otherwise interest that is not owed
    yet would be paid while principal is overdue.
    """
    yield from ((i, c) for i in instalments if i.due_on == first for c in order.components)
    others = (instalment for instalment in instalments if instalment.due_on != first)
    oldest_first = sorted(others, key=lambda instalment: instalment.due_on)
    to_come = oldest_first
    if order.by is AllocateBy.COMPONENT:
        due = [instalment for instalment in oldest_first if instalment.due_on <= on]
        to_come = oldest_first[len(due) :]
        yield from ((i, component) for component in order.components for i in due)
    yield from ((i, component) for i in to_come for component in order.components)
