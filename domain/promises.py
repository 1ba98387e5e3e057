"""Promises to pay: their parts, what keeps them, how long they pause the ladder, their moves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.holds import Hold, HoldKind, days_held
from domain.loans import ZERO


@dataclass(frozen=True, slots=True, order=True)
class PromisePart:
    """One payment that was promised."""

    due_on: date
    """The last day: paid on this day, it is in time."""
    amount: Decimal
    """In the loan's currency; more than zero."""
    stood_still: int = field(default=0, compare=False)
    """For so many days after its day something else stopped collection."""

    @property
    def latest_on(self) -> date:
        """Its day, without the days on which something else stopped collection."""
        return self.due_on + timedelta(days=self.stood_still)


@dataclass(frozen=True, slots=True)
class Promise:
    """A borrower's promise to pay, in one part or several, with what its terms said then."""

    parts: tuple[PromisePart, ...]
    """By their days, of which each comes once. At least one."""
    made_at: datetime
    """Aware, in the lender's zone: its date is the business date on which it was made."""
    tolerance: Decimal = ZERO
    """So much may be lacking of all that was promised by a day."""
    grace_days: int = 0
    """A part that is paid so many days after its day is in time."""
    booking_days: int = 1
    """Whole days that pass until the payments of a day are known. A bank reports them in the night
    after it."""
    partly_from: Decimal | None = None
    """So much paid, of a promise that was not kept, makes it part kept. None: nothing does."""
    next_made_at: datetime | None = None
    """When the next promise of the loan was made. What is paid after it is for that one."""

    @classmethod
    def of(cls, amount: Decimal, due_on: date, made_at: datetime) -> "Promise":
        """A promise in one part, without tolerance or grace."""
        return cls((PromisePart(due_on, amount),), made_at)

    @property
    def amount(self) -> Decimal:
        """All that was promised."""
        return sum((part.amount for part in self.parts), ZERO)

    @property
    def due_on(self) -> date:
        """The day of its last part."""
        return self.parts[-1].due_on

    def known_on(self, part: PromisePart) -> date:
        """The first day on which it is known whether a part was paid in time."""
        return part.latest_on + timedelta(days=self.grace_days + self.booking_days + 1)

    def while_held(self, holds: Sequence[Hold], today: date) -> "Promise":
        """The promise, whose clock stands still while `holds` stop collection, as far as `today`.

        A hold counts from the day of a part on, if it began before the day on which it is known
        whether the part was paid. From that day on it is missed, whatever is stopped later.
        """
        return replace(self, parts=tuple(self._held(part, holds, today) for part in self.parts))

    def _held(self, part: PromisePart, holds: Sequence[Hold], today: date) -> PromisePart:
        tomorrow = today + timedelta(days=1)
        while True:
            until = min(self.known_on(part), tomorrow)
            days = days_held(holds, part.due_on, until) if part.due_on < until else 0
            if days == part.stood_still:
                return part
            part = replace(part, stood_still=days)


@dataclass(frozen=True, slots=True)
class ReceivedPayment:
    """A payment for the loan that was not reversed."""

    amount: Decimal
    paid_on: date
    recorded_at: datetime
    """Aware. A payment on the day of the promise counts only if it was recorded after it."""


class PromiseStatus(StrEnum):
    """The life of one promise to pay."""

    OPEN = "open"
    KEPT = "kept"  # all of it was paid in time
    PART_KEPT = "part_kept"  # a part of the money was; the ladder continues where it paused
    BROKEN = "broken"  # it was not; the ladder continues where it paused
    WITHDRAWN = "withdrawn"  # taken back, replaced by another, or what was due is due later


_S = PromiseStatus
NOT_KEPT = frozenset({_S.BROKEN, _S.PART_KEPT})
"""What the ladder, and the count of unkept promises, take as not kept."""

# Money and the calendar judge a promise, and money may come to light later, or go back to who paid
# it. OPEN, of one that was judged: its days are not over after all. WITHDRAWN instead, if another
# promise has taken its place since.
PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    _S.OPEN: frozenset({_S.KEPT, _S.PART_KEPT, _S.BROKEN, _S.WITHDRAWN}),
    _S.KEPT: frozenset({_S.OPEN, _S.PART_KEPT, _S.BROKEN, _S.WITHDRAWN}),
    _S.PART_KEPT: frozenset({_S.OPEN, _S.KEPT, _S.BROKEN, _S.WITHDRAWN}),
    _S.BROKEN: frozenset({_S.OPEN, _S.KEPT, _S.PART_KEPT, _S.WITHDRAWN}),
    _S.WITHDRAWN: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What money and the calendar say about a promise on one day."""

    status: PromiseStatus
    paid: Decimal
    """What was paid of it in time, never more than was promised."""
    next_part: PromisePart | None
    """The first part that is not paid yet, of an open promise."""
    missed_part: PromisePart | None = None
    """The part that broke it."""


def judge(promise: Promise, received: Iterable[ReceivedPayment], on: date) -> Judgement:
    """Where a promise stands on business date `on`; never withdrawn, which a person says.

    What was paid since it was made counts, first for its first part; what was paid since the next
    promise counts for that one. A part is in time if all that was promised by its day is there by
    then, but for the tolerance. The first part that is missed breaks all of it at once.
    """
    counting = [payment for payment in received if _counts(promise, payment)]
    paid = min(_paid_by(promise, promise.parts[-1], counting), promise.amount)
    promised = ZERO
    for part in promise.parts:
        promised += part.amount
        if _paid_by(promise, part, counting) >= promised - promise.tolerance:
            continue
        if on < promise.known_on(part):
            return Judgement(_S.OPEN, paid, part)
        partly = promise.partly_from is not None and paid >= max(promise.partly_from, _LEAST)
        return Judgement(_S.PART_KEPT if partly else _S.BROKEN, paid, None, part)
    return Judgement(_S.KEPT, paid, None)


def still_to_pay(
    promise: Promise, part: PromisePart, received: Iterable[ReceivedPayment]
) -> Decimal:
    """What is still missing of one part. What was paid since the promise was made counts, first for
    its first part."""
    counting = [payment for payment in received if _counts(promise, payment)]
    until = sum((each.amount for each in promise.parts if each <= part), ZERO)
    missing = until - _paid_by(promise, part, counting)
    return min(max(missing, ZERO), part.amount)


_LEAST = Decimal("0.0001")
"""Nothing at all makes no promise part kept."""


def promise_hold(promise: Promise) -> Hold:
    """The hold that a promise brings: from the day it is made to the day it would be broken."""
    ends_on = promise.known_on(promise.parts[-1])
    return Hold(HoldKind.PROMISE, promise.made_at.date(), ends_on=ends_on)


def _paid_by(promise: Promise, part: PromisePart, counting: Iterable[ReceivedPayment]) -> Decimal:
    latest = part.latest_on + timedelta(days=promise.grace_days)
    return sum((payment.amount for payment in counting if payment.paid_on <= latest), ZERO)


def _counts(promise: Promise, payment: ReceivedPayment) -> bool:
    """Whether a payment was made after the promise, and before the next one."""
    made_at, next_at = promise.made_at, promise.next_made_at
    if payment.paid_on < made_at.date() or payment.recorded_at < made_at:
        return False
    return next_at is None or payment.paid_on < next_at.date() or payment.recorded_at <= next_at
