"""Promises to pay: when one is kept, how long it pauses the ladder, its statuses and moves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.holds import Hold, HoldKind

BROKEN_AFTER = timedelta(days=2)
"""From a promise's last day to the first day on which it is broken unless it is kept. A bank
reports the payments of a day in the night after it, so one whole day lies between."""


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
    ends_on = promise.due_on + BROKEN_AFTER
    return Hold(HoldKind.PROMISE, promise.made_at.date(), ends_on=ends_on)


def _counts(promise: Promise, payment: ReceivedPayment) -> bool:
    since = promise.made_at.date() <= payment.paid_on and promise.made_at <= payment.recorded_at
    return since and payment.paid_on <= promise.due_on


class PromiseStatus(StrEnum):
    """The life of one promise to pay."""

    OPEN = "open"
    KEPT = "kept"  # the amount was paid by its date
    BROKEN = "broken"  # it had not; the ladder continues where it paused
    WITHDRAWN = "withdrawn"  # taken back, or replaced by another


# A kept promise stays kept, also if its payment is reversed: the loan is past due again then.
PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    PromiseStatus.OPEN: frozenset(set(PromiseStatus) - {PromiseStatus.OPEN}),
    PromiseStatus.KEPT: frozenset(),
    PromiseStatus.BROKEN: frozenset(),
    PromiseStatus.WITHDRAWN: frozenset(),
}
