"""Public holidays, and the days worked instead, of each country; from the `holidays` library."""

from __future__ import annotations

from functools import cache

import holidays

from config.readers.yaml_reader import Value
from domain.compliance.calendars import Calendar

YEARS = range(2015, 2036)
"""The years of a calendar. The government of China announces the days of a year in the autumn
before. Until the library has them, only holidays on fixed dates are known, and no days worked
instead."""


def read_calendar(value: Value) -> Calendar:
    """The national calendar of an ISO 3166-1 country, such as AU.

    Raises:
        PolicyError: there is no calendar for it.
    """
    country = value.known(sorted(holidays.list_supported_countries()), "calendar for")
    return _calendar(country)


@cache
def _calendar(country: str) -> Calendar:
    found = holidays.country_holidays(country, years=YEARS)
    return Calendar(frozenset(found), frozenset(found.weekend_workdays))
