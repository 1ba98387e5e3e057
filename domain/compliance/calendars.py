"""A country's calendar: public holidays, the days off that are worked instead, and its last day."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

SATURDAY = 5


class DayKind(StrEnum):
    """The kind of a day in a country."""

    WORKING = "working"
    REST = "rest"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days differ from the plain week of five working days and two of rest."""

    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    """Days of a weekend that are worked in exchange for a longer holiday, as in China (调休)."""
    known_until: date | None = None
    """The last day that is known: later holidays are not announced yet. None: all days are."""
    country: str = ""
    """ISO 3166-1; empty for the plain week."""

    def kind_of(self, day: date) -> DayKind:
        """The kind of a day. Of a day that is not known it is only what the plain week says."""
        if day in self.holidays:
            return DayKind.HOLIDAY
        if day.weekday() >= SATURDAY and day not in self.worked:
            return DayKind.REST
        return DayKind.WORKING

    @property
    def digest(self) -> str:
        """The country, and the beginning of a SHA-256 of its days: it changes with any of them."""
        days = [sorted(self.holidays), sorted(self.worked), self.known_until]
        return f"{self.country}:{hashlib.sha256(repr(days).encode()).hexdigest()[:16]}"

    def is_known(self, day: date) -> bool:
        return self.known_until is None or day <= self.known_until

    def next_working_day(self, day: date) -> date | None:
        """The day itself if it is worked, otherwise the first one after it that is.

        None: the calendar does not go as far as that day.
        """
        return _next_working_day(self, day)


@lru_cache(maxsize=4096)  # a tape has millions of instalments, on few different days
def _next_working_day(calendar: Calendar, day: date) -> date | None:
    while calendar.is_known(day):
        if calendar.kind_of(day) is DayKind.WORKING:
            return day
        day += timedelta(days=1)
    return None


PLAIN_WEEK = Calendar()
"""No holidays are known."""
