"""What is paid of a loan, where a tape and the payments recorded here both tell of it.

A tape that stands for a day contains the payments booked before it. What is paid in all only
rises: a tape that was cut too early, or that stands for another day than was said, must not undo
a payment, or somebody who paid would be chased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.allocation import Allocation, AllocationOrder, allocate, apply_allocations
from domain.loans import ZERO, Component, Instalment


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """A payment recorded here that the tape may or may not contain."""

    id: int
    paid_on: date
    amount: Decimal
    pays: Decimal
    """The part of it that lies on instalments; of a reversed one, the part that did."""
    reversed: bool = False
    """Taken back on the day of the tape or later, and off the record already."""


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is known of a loan here when a tape tells of it."""

    paid: Decimal = ZERO
    """Of all its instalments together."""
    may_fall_by: Decimal = ZERO
    """Payments that earlier tapes contained and that were reversed since: a tape may show less by
    so much."""
    payments: tuple[BookedPayment, ...] = ()
    """In the order of their days: live ones booked on the tape's day or later, reversed ones booked
    on its day or before."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The instalments of the tape with all that is paid of them."""

    instalments: tuple[Instalment, ...]
    apply_allocations: Mapping[int, tuple[tuple[Allocation, ...], Decimal]]
    """For each payment that was laid on top of the tape: where it lies, and what is left over."""
    less: Decimal
    """How much less the tape shows as paid than is on record here, which was kept."""
    fallen: bool
    """Less is paid than was on record, for payments that were reversed."""


def reconcile(
    told: Sequence[Instalment], known: OnRecord, as_of: date, order: AllocationOrder
) -> Reconciled:
    """The tape of `as_of` and what is on record, as one schedule in due order.

    The tape says where payments lie, for the lender may have moved instalments or added to them.
    Laid on top are payments booked later, and those of the day itself, unless the tape shows that
    much more than was on record before them. Reversals are taken off in the same way.
    """
    live = [payment for payment in known.payments if not payment.reversed]
    before = known.paid - sum((one.pays for one in live), ZERO)
    instalments = tuple(told)
    for payment in known.payments:
        if payment.reversed and paid_in_all(instalments) - payment.pays >= before:
            instalments = remove_paid(instalments, payment.pays, order)
    contained = _contained(live, as_of, before, paid_in_all(instalments))
    where: dict[int, tuple[tuple[Allocation, ...], Decimal]] = {}
    for one in live:
        if one.id not in contained:
            parts, left = allocate(instalments, one.amount, order)
            instalments = apply_allocations(instalments, parts)
            where[one.id] = (parts, left)
    less = _short_of(instalments, known.paid - known.may_fall_by)
    if less:
        instalments = apply_allocations(instalments, allocate(instalments, less, order)[0])
    return Reconciled(instalments, where, less, paid_in_all(instalments) < known.paid)


def paid_in_all(instalments: Sequence[Instalment]) -> Decimal:
    """What is paid of all of them together."""
    return sum((instalment.paid for instalment in instalments), ZERO)


def remove_paid(
    instalments: Sequence[Instalment], amount: Decimal, order: AllocationOrder
) -> tuple[Instalment, ...]:
    """The instalments with `amount` less paid: the newest first, as payments fill the oldest."""
    lowered = list(instalments)
    for place in reversed(range(len(lowered))):
        for component in reversed(order.components):
            amount -= (part := min(amount, _paid_of(lowered[place], component)))
            lowered[place] = _lowered(lowered[place], component, part)
    return tuple(lowered)


def _contained(
    live: Sequence[BookedPayment], as_of: date, before: Decimal, told: Decimal
) -> set[int]:
    """The payments of the tape's own day that it shows as paid already."""
    contained: set[int] = set()
    for one in live:
        if one.paid_on == as_of and ZERO < one.pays <= told - before:
            contained.add(one.id)
            before += one.pays
    return contained


def _short_of(instalments: Sequence[Instalment], known: Decimal) -> Decimal:
    owed = sum((instalment.amount for instalment in instalments), ZERO)
    return max(ZERO, min(known, owed) - paid_in_all(instalments))


def _paid_of(instalment: Instalment, component: Component) -> Decimal:
    amount: Decimal = getattr(instalment, f"paid_{component}")
    return amount


def _lowered(instalment: Instalment, component: Component, by: Decimal) -> Instalment:
    paid = f"paid_{component}"
    return replace(instalment, **{paid: getattr(instalment, paid) - by})
