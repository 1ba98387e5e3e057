"""Public holidays and days worked instead, country by country, from the `holidays` library."""

from __future__ import annotations

from functools import cache

import holidays

from config.readers.yaml_reader import Value
from domain.compliance.calendars import Calendar

YEARS = range(2015, 2036)
"""The years that a calendar is made for. China's government names each year's days the autumn
before; until the library has them, the fixed feasts are known and the days worked instead are not.
"""


def read_calendar(value: Value) -> Calendar:
    """The national calendar of an ISO 3166-1 country, such as AU.

    Raises:
        PolicyError: there is none for it.
    """
    country = value.known(sorted(holidays.list_supported_countries()), "calendar for")
    return _calendar(country)


@cache
def _calendar(country: str) -> Calendar:
    found = holidays.country_holidays(country, years=YEARS)
    return Calendar(frozenset(found), frozenset(found.weekend_workdays))
