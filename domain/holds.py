"""A hold pauses the ladder for some days; afterwards the ladder continues where it stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum


class HoldKind(StrEnum):
    """Why the ladder pauses."""

    ARRANGEMENT = "arrangement"  # an instalment plan that is kept
    DEFERRAL = "deferral"
    PROMISE = "promise"
    DISPUTE = "dispute"
    COMPLAINT = "complaint"  # one that stops everybody, until it is answered
    VULNERABILITY = "vulnerability"
    MORATORIUM = "moratorium"
    BREATHING_SPACE = "breathing_space"
    MENTAL_HEALTH_CRISIS = "mental_health_crisis"
    INSOLVENCY = "insolvency"
    DECEASED = "deceased"
    LEGAL_STAY = "legal_stay"  # a court or arbitrator has it
    MANUAL = "manual"
    ABSENT = "absent"  # the lender's full tape left the loan out

    @property
    def of_person(self) -> bool:
        """Whether it is true of the person, and so pauses every loan of the person."""
        return self in _OF_PERSON


_OF_PERSON = frozenset(
    {
        HoldKind.DECEASED,
        HoldKind.INSOLVENCY,
        HoldKind.BREATHING_SPACE,
        HoldKind.MENTAL_HEALTH_CRISIS,
        HoldKind.VULNERABILITY,
        HoldKind.MORATORIUM,
        HoldKind.COMPLAINT,
    }
)

STOP_CLOCKS = _OF_PERSON | {HoldKind.DISPUTE}
"""While one of these covers a loan, the clock of its arrangement stands still."""

PLACE_THEIR_OWN = frozenset(
    {HoldKind.PROMISE, HoldKind.DISPUTE, HoldKind.COMPLAINT, HoldKind.ABSENT}
)
"""What is recorded as such and places its own hold: so no dispute or complaint is a bare hold,
without a clock and an answer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause from `starts_on` up to, not including, `ends_on`. No end: until it is released."""

    kind: HoldKind
    starts_on: date
    ends_on: date | None = None

    def covers(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)

    def released_on(self, day: date) -> Hold:
        """The hold, released on `day`: it ends before that day.

        A release never makes a hold longer, and never lets it end before it starts.
        """
        end = max(day, self.starts_on)
        return replace(self, ends_on=end if self.ends_on is None else min(end, self.ends_on))


def active_hold(holds: Iterable[Hold], on: date) -> Hold | None:
    """The hold that covers business date `on` and lasts longest, or None."""
    covering = [hold for hold in holds if hold.covers(on)]
    return max(covering, key=lambda hold: hold.ends_on or date.max, default=None)


def days_held(holds: Iterable[Hold], since: date, on: date) -> int:
    """Days from `since` up to `on` that any hold covered, each day counted once.

    `since` is the day on which the ladder started. Days of a hold before it do not count: they
    paused earlier arrears.
    """
    days = 0
    counted_to = since
    for hold in sorted(holds, key=lambda hold: hold.starts_on):
        first = max(hold.starts_on, counted_to)
        end = min(hold.ends_on or on, on)
        if end > first:
            days += (end - first).days
            counted_to = end
    return days


def resumes_on(holds: Iterable[Hold], on: date) -> date | None:
    """The first day from `on` that no hold covers, or None while one has no end."""
    holds = tuple(holds)
    day = on
    while hold := active_hold(holds, day):
        if hold.ends_on is None:
            return None
        day = max(hold.ends_on, day + timedelta(days=1))
    return day


def next_start(holds: Iterable[Hold], on: date) -> date | None:
    """The first day after `on` on which a hold begins, or None."""
    to_come = (hold.starts_on for hold in holds if hold.covers(hold.starts_on))
    return min((day for day in to_come if day > on), default=None)
