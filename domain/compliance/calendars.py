"""A country's calendar: public holidays, and the days off that are worked instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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

    def kind_of(self, day: date) -> DayKind:
        if day in self.holidays:
            return DayKind.HOLIDAY
        if day.weekday() >= SATURDAY and day not in self.worked:
            return DayKind.REST
        return DayKind.WORKING


PLAIN_WEEK = Calendar()
"""No holidays are known."""
