"""Promises to pay: when one is kept, how long it pauses the ladder, its statuses and moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.holds import Hold, HoldKind

REPORTING_TIME = timedelta(days=1)
"""How long the lender's systems may take to report money that came on a promise's last day."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A borrower's promise to pay an amount, in the loan's currency, by a day."""

    amount: Decimal
    due_on: date
    """The last day: paid on this day, the promise is kept."""
    made_at: datetime
    """Aware, in the lender's zone: its date is the business date on which it was made."""


@dataclass(frozen=True, slots=True)
class ReceivedPayment:
    """A payment for the loan that was not reversed."""

    amount: Decimal
    paid_on: date
    recorded_at: datetime
    """Aware. A payment on the day of the promise counts only if it was recorded after it."""


def is_kept(promise: Promise, received: Iterable[ReceivedPayment]) -> bool:
    """Whether the payments since the promise, up to and on its last day, reach its amount."""
    paid = sum((payment.amount for payment in received if _counts(promise, payment)), Decimal(0))
    return paid >= promise.amount


def promise_hold(promise: Promise) -> Hold:
    """The hold that a promise brings: from the day it is made to the day it would be broken."""
    return Hold(HoldKind.PROMISE, promise.made_at.date(), ends_on=broken_on(promise.due_on))


def broken_on(due_on: date) -> date:
    """The first business date on which a promise that is not kept is broken.

    A bank reports the payments of a day in the night after it, so one day more must pass.
    """
    return due_on + REPORTING_TIME + timedelta(days=1)


def _counts(promise: Promise, each_payment: ReceivedPayment) -> bool:
    since = (
        promise.made_at.date() <= each_payment.paid_on
        and promise.made_at <= each_payment.recorded_at
    )
    return since and each_payment.paid_on <= promise.due_on


class PromiseStatus(StrEnum):
    """The life of one promise to pay."""

    OPEN = "open"
    KEPT = "kept"  # the amount was paid by its date
    BROKEN = "broken"  # it had not; the ladder continues where it paused
    WITHDRAWN = "withdrawn"  # taken back, or replaced by another


P = PromiseStatus


PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    P.OPEN: frozenset({P.KEPT, P.BROKEN, P.WITHDRAWN}),
    P.KEPT: frozenset(),  # also if the payment is reversed later: the loan is past due again then
    P.BROKEN: frozenset(),
    P.WITHDRAWN: frozenset(),
}
