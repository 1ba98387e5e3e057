"""Promises to pay: when one is kept, and how long it pauses the ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.holds import Hold, HoldKind

TELLING = timedelta(days=1)
"""The lender's systems have this long to tell of money that came on a promise's last day."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The borrower named an amount, in the loan's currency, and a day."""

    amount: Decimal
    due_on: date
    """Paid on this day, it is still kept."""
    made_at: datetime
    """Aware, in the lender's zone: its date is the business date on which it was made."""


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came in for the loan and was not taken back."""

    amount: Decimal
    paid_on: date
    recorded_at: datetime
    """Aware: of the promise's own day, it tells what was known before it from what came after."""


def is_kept(promise: Promise, received: Iterable[Received]) -> bool:
    """Whether what was paid since the promise, up to and on its day, reaches its amount.

    A part of it is not enough: only the amount keeps a promise.
    """
    paid = sum((one.amount for one in received if _counts(promise, one)), Decimal(0))
    return paid >= promise.amount


def hold_of(promise: Promise) -> Hold:
    """The pause that a promise brings: from the day it is made until its money must be known."""
    return Hold(HoldKind.PROMISE, promise.made_at.date(), ends_on=settles_on(promise.due_on))


def settles_on(due_on: date) -> date:
    """The first business date on which a promise that is not kept is broken.

    A bank's file of a day comes in the night after it: who paid in time is not to be told of late.
    """
    return due_on + TELLING + timedelta(days=1)


def _counts(promise: Promise, each_received: Received) -> bool:
    since = (
        promise.made_at.date() <= each_received.paid_on
        and promise.made_at <= each_received.recorded_at
    )
    return since and each_received.paid_on <= promise.due_on


class PromiseStatus(StrEnum):
    """The life of one promise to pay."""

    OPEN = "open"
    KEPT = "kept"  # the amount had come by its date
    BROKEN = "broken"  # it had not, and the ladder goes on where it stood
    WITHDRAWN = "withdrawn"  # taken back, or replaced by another


P = PromiseStatus


PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    P.OPEN: frozenset({P.KEPT, P.BROKEN, P.WITHDRAWN}),
    P.KEPT: frozenset(),  # even if the payment is reversed later: that re-opens the arrears
    P.BROKEN: frozenset(),
    P.WITHDRAWN: frozenset(),
}
