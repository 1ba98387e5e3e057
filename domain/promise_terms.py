"""Which promises to pay the lender takes: the terms, and what a promise comes to by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from domain.currencies import smallest_of
from domain.ladder import AppliesTo
from domain.loans import ZERO
from domain.promises import NOT_KEPT, PromisePart, PromiseStatus
from domain.reasons import ReasonCode, Reasons, because

LONGEST_WITHOUT_TERMS = 366
"""Days. Without terms too, a promise is for a day of the next year at most."""
FAR_ABOVE = 2
"""Nobody takes a promise of more than so many times all that is unpaid of the schedule."""
MONTH = timedelta(days=28)
"""From the day of a part so far back what is promised is compared with what somebody can pay: as
long as the shortest month, so that what falls due on a day of each month counts once."""


@dataclass(frozen=True, slots=True)
class PromiseLimits:
    """How far a promise may go."""

    least_share_percent: Decimal
    """Of what is past due when it is made, all parts together."""
    first_within_days: int
    """From the day it is made to its first part."""
    last_within_days: int
    """To its last part."""
    most_parts: int


class AlsoUnkept(StrEnum):
    """Promises that count as unkept although money and the calendar did not judge them so."""

    REPLACED = "replaced"  # by another promise before it was kept
    REPLACED_UNPAID = "replaced_unpaid"  # the same, if next to nothing was paid of it by then
    WITHDRAWN_LATE = "withdrawn_late"  # taken back after the day of a part
    WITHDRAWN_UNPAID = "withdrawn_unpaid"  # taken back on any day, with next to nothing paid of it


@dataclass(frozen=True, slots=True)
class EndedPromise:
    """A promise that is over, as far as it decides whether it went unkept."""

    status: PromiseStatus
    first_due_on: date
    """The day of its first part."""
    ended_on: date
    replaced: bool = False
    """Whether another promise took its place."""
    was_made: bool | None = None
    """False: it was recorded by mistake."""
    eased: bool = False
    """Whether the lender deferred, waived or replaced what was due while it was open, nothing was
    past due any more, or somebody else promised instead."""
    paid: Decimal = ZERO
    """What was paid of it in time by then."""
    partly_from: Decimal | None = None
    """Less than that is as good as nothing; None: only nothing is."""


@dataclass(frozen=True, slots=True)
class PromiseTerms:
    """One version of which promises the lender takes for some of its loans."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    applies_to: AppliesTo
    currency: str
    limits: PromiseLimits
    """What is taken without asking anybody."""
    agreed: PromiseLimits
    """What is taken at most once a supervisor agrees."""
    unkept_at_most: int
    """How many promises may have gone unkept, before a supervisor must agree to the next one, …"""
    unkept_within_months: int
    """… in so many months."""
    also_unkept: frozenset[AlsoUnkept]
    """What counts besides promises that were broken or kept in part."""
    tolerance_amount: Decimal
    tolerance_percent: Decimal
    """Of all that is promised. The smaller of both tolerances counts."""
    grace_days: int
    booking_days: int
    partly_from_percent: Decimal
    """Of all that was promised, paid in time: then a promise that was not kept is part kept."""
    source: str

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    def tolerance(self, amount: Decimal) -> Decimal:
        """How much may be lacking of such a promise, in whole units of the currency."""
        share = _floor(amount * self.tolerance_percent / 100, self.currency)
        return min(self.tolerance_amount, share)

    def went_unkept(self, promise: EndedPromise) -> bool:
        """Whether a promise counts as unkept.

        A promise that was recorded by mistake never does; nor does a promise that ended because
        what was due became due later, or not at all.
        """
        if promise.was_made is False:
            return False
        if promise.status in NOT_KEPT:
            return True
        if promise.status is not PromiseStatus.WITHDRAWN or promise.eased:
            return False
        unpaid = promise.paid <= ZERO or promise.paid < (promise.partly_from or ZERO)
        found = {
            AlsoUnkept.REPLACED: promise.replaced,
            AlsoUnkept.REPLACED_UNPAID: promise.replaced and unpaid,
            AlsoUnkept.WITHDRAWN_LATE: not promise.replaced
            and promise.ended_on > promise.first_due_on,
            AlsoUnkept.WITHDRAWN_UNPAID: not promise.replaced and unpaid,
        }
        return any(found[each] for each in self.also_unkept)

    def partly_from(self, amount: Decimal) -> Decimal:
        """From how much on such a promise is part kept."""
        return _floor(amount * self.partly_from_percent / 100, self.currency)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What would be taken today, by some limits."""

    least_amount: Decimal
    first_day_at_most: date
    last_day_at_most: date
    most_parts: int | None
    """None: any number."""


@dataclass(frozen=True, slots=True)
class Review:
    """What the terms say about a promise."""

    refused: Reasons = ()
    """Why nobody can take it; empty: it can be taken."""
    to_agree: Reasons = ()
    """Why a supervisor must agree; empty: nobody has to."""
    instead: Reasons = ()
    """What would be taken: its least amount and its last days. Where a supervisor must agree, what
    is taken without one."""


def accepted(limits: PromiseLimits, past_due: Decimal, currency: str, on: date) -> Accepted:
    """What the limits allow for a loan with so much past due."""
    return Accepted(
        least_amount=_floor(past_due * limits.least_share_percent / 100, currency),
        first_day_at_most=on + timedelta(days=limits.first_within_days),
        last_day_at_most=on + timedelta(days=limits.last_within_days),
        most_parts=limits.most_parts,
    )


def accepted_without_terms(on: date) -> Accepted:
    """What is taken where the lender wrote no terms."""
    last = on + timedelta(days=LONGEST_WITHOUT_TERMS)
    return Accepted(ZERO, last, last, None)


def review(
    terms: PromiseTerms | None,
    parts: Sequence[PromisePart],
    *,
    past_due: Decimal,
    currency: str,
    on: date,
    unkept: int = 0,
    a_month: Decimal | None = None,
    besides: Sequence[PromisePart] = (),
    still_owed: Decimal | None = None,
) -> Review:
    """What the terms say about a promise of these parts, made on business date `on`.

    `past_due` is what is past due of its loan. `unkept` is how many promises went unkept before, in
    the months that the terms count. `a_month` is what the borrower said to be able to pay a month,
    `besides` what they are to pay for other loans, and `still_owed` the sum of the whole schedule
    that is unpaid. None: nobody knows.
    """
    too_much = _far_above(parts, still_owed, currency)
    if terms is None:
        limits = accepted_without_terms(on)
        return Review(refused=_refused(limits, parts, past_due, currency) + too_much)
    furthest = accepted(terms.agreed, past_due, currency, on)
    instead = _taken(terms, past_due, currency, on, alone=unkept <= terms.unkept_at_most)
    if refused := _refused(furthest, parts, past_due, currency) + too_much:
        return Review(refused=refused, instead=instead)
    to_agree = _to_agree(terms.limits, parts, past_due, currency, on)
    if unkept > terms.unkept_at_most:
        to_agree += because(
            ReasonCode.PROMISES_UNKEPT, count=unkept, months=terms.unkept_within_months
        )
    if a_month is not None and (most := most_in_a_month(parts, besides)) > a_month:
        to_agree += because(ReasonCode.PROMISE_BEYOND_MEANS, amount=most, currency=currency)
    if still_owed is not None and sum((part.amount for part in parts), ZERO) > still_owed:
        # Interest of days to come may be in it, or a slip of the pen.
        to_agree += because(ReasonCode.PROMISE_ABOVE_OWED)
    alone = tuple(each for each in instead if each.code is ReasonCode.PROMISE_TAKEN_ALONE)
    return Review(to_agree=to_agree, instead=alone)


def _taken(
    terms: PromiseTerms, past_due: Decimal, currency: str, on: date, *, alone: bool
) -> Reasons:
    """What would be taken today: without asking anybody if `alone`, and once a supervisor agrees.

    It says a share of what is past due as well, for who may not see amounts.
    """
    limits = [(ReasonCode.PROMISE_TAKEN_ALONE, terms.limits)] if alone else []
    if not alone or terms.agreed != terms.limits:
        limits.append((ReasonCode.PROMISE_TAKEN_ONCE_AGREED, terms.agreed))
    taken: Reasons = ()
    for code, each in limits:
        allowed = accepted(each, past_due, currency, on)
        taken += because(
            code,
            percent=each.least_share_percent,
            amount=allowed.least_amount,
            currency=currency,
            on=allowed.first_day_at_most,
            ends_on=allowed.last_day_at_most,
            count=each.most_parts,
        )
    return taken


def _refused(
    limits: Accepted, parts: Sequence[PromisePart], past_due: Decimal, currency: str
) -> Reasons:
    """Each limit that the promise goes beyond, and what it would have to be."""
    why = _too_small(limits, parts, past_due, currency)
    if parts[0].due_on > limits.first_day_at_most:
        why += because(ReasonCode.PROMISE_STARTS_TOO_LATE, on=limits.first_day_at_most)
    if parts[-1].due_on > limits.last_day_at_most:
        why += because(ReasonCode.PROMISE_ENDS_TOO_LATE, on=limits.last_day_at_most)
    return why + _too_many(limits, parts)


def _far_above(parts: Sequence[PromisePart], still_owed: Decimal | None, currency: str) -> Reasons:
    """A zero too many, where something is owed at all."""
    total = sum((part.amount for part in parts), ZERO)
    if still_owed is None or not ZERO < FAR_ABOVE * still_owed < total:
        return ()
    return because(ReasonCode.PROMISE_FAR_ABOVE_OWED, amount=still_owed, currency=currency)


def _to_agree(
    limits: PromiseLimits,
    parts: Sequence[PromisePart],
    past_due: Decimal,
    currency: str,
    on: date,
) -> Reasons:
    """The same, in words that are as true on the next day, and after a payment: who agrees may do
    so then."""
    allowed = accepted(limits, past_due, currency, on)
    why: Reasons = ()
    if _too_small(allowed, parts, past_due, currency):
        why = because(ReasonCode.PROMISE_BELOW_SHARE, percent=limits.least_share_percent)
    if parts[0].due_on > allowed.first_day_at_most:
        why += because(ReasonCode.PROMISE_STARTS_LATE, count=limits.first_within_days)
    if parts[-1].due_on > allowed.last_day_at_most:
        why += because(ReasonCode.PROMISE_ENDS_LATE, count=limits.last_within_days)
    return why + _too_many(allowed, parts)


def _too_small(
    limits: Accepted, parts: Sequence[PromisePart], past_due: Decimal, currency: str
) -> Reasons:
    if sum((part.amount for part in parts), ZERO) >= limits.least_amount:
        return ()
    amounts = {"amount": limits.least_amount, "past_due": past_due, "currency": currency}
    return because(ReasonCode.PROMISE_TOO_SMALL, **amounts)


def _too_many(limits: Accepted, parts: Sequence[PromisePart]) -> Reasons:
    if limits.most_parts is None or len(parts) <= limits.most_parts:
        return ()
    return because(ReasonCode.PROMISE_IN_TOO_MANY_PARTS, count=limits.most_parts)


def most_in_a_month(parts: Sequence[PromisePart], besides: Sequence[PromisePart] = ()) -> Decimal:
    """The most that falls due in any four weeks, of these parts and of what is due `besides`."""
    every = (*parts, *besides)
    last_days = {each.due_on for each in every}
    return max(
        sum((each.amount for each in every if last - MONTH < each.due_on <= last), ZERO)
        for last in last_days
        if any(last - MONTH < each.due_on <= last for each in parts)
    )


def _floor(amount: Decimal, currency: str) -> Decimal:
    smallest = smallest_of(currency)
    return (amount / smallest).to_integral_value(ROUND_FLOOR) * smallest
