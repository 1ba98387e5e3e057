"""The plan of a call: how often it is tried, how far apart, at which hours, and until what.

What nobody could be reached for in all its tries is done as *not reached*, with its tries. Later
steps may rest on that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAYS_SEARCHED = 7
"""How many days from the earliest moment on are searched for hours that were tried least."""


class Until(StrEnum):
    """What ends the tries before they are used up."""

    SPOKEN = "spoken"  # the person was spoken to
    LEARNT = "learnt"  # and what the call must learn was learnt


class WhenUsedUp(StrEnum):
    """What becomes of a call whose tries are used up."""

    NOT_REACHED = "not_reached"  # done, and tried: the history says with how many tries


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a day from `first` up to, not including, `last`, on the person's own clock."""

    first: int
    last: int

    def __contains__(self, hour: int) -> bool:
        return self.first <= hour < self.last


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How a call is tried. The contact gate is asked before every try all the same."""

    most: int
    """How many tries there are, all in all."""
    apart: timedelta
    """The least time from one try to the next."""
    until: Until
    hours: tuple[Hours, ...] = ()
    """Parts of the day: a try falls into the part that was tried least. Empty: any hour."""
    when_used_up: WhenUsedUp = WhenUsedUp.NOT_REACHED

    def next_try(self, made: Sequence[datetime], zone: ZoneInfo, now: datetime) -> datetime | None:
        """The moment from which the next try is due; None if the tries are used up.

        `made` are the aware moments of the tries so far, and `zone` is that of the person. The
        moment lies in the part of the day that was tried least, within a week; of two such parts in
        the sooner one.
        """
        if len(made) >= self.most:
            return None
        earliest = max([now, *(at + self.apart for at in made)])
        if not self.hours:
            return earliest
        tried = {
            hours: sum(at.astimezone(zone).hour in hours for at in made) for hours in self.hours
        }
        day = earliest.astimezone(zone).date()
        possible = [
            (tried[hours], max(earliest, starts_at))
            for ahead in range(DAYS_SEARCHED)
            for hours in self.hours
            for starts_at in (_at_hour(day + timedelta(days=ahead), hours.first, zone),)
            if earliest < _at_hour(day + timedelta(days=ahead), hours.last, zone)
        ]
        return min(possible)[1].astimezone(now.tzinfo)


def _at_hour(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The hour of a day, up to 24, in a zone."""
    midnight = time(0)
    if hour == 24:
        return datetime.combine(day + timedelta(days=1), midnight, zone)
    return datetime.combine(day, time(hour), zone)
