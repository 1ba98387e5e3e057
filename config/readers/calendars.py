"""Public holidays, and the days worked instead, of each country; from the `holidays` library."""

from datetime import date
from functools import cache

import holidays

from config.readers.yaml_reader import Value
from domain.compliance.calendars import Calendar

YEARS = range(2015, 2036)
"""The years of a calendar."""


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
    worked = frozenset(found.weekend_workdays)
    return Calendar(frozenset(found), worked, _known_until(worked), country)


def _known_until(worked: frozenset[date]) -> date:
    """The last day that is certain.

    Some countries work days of a weekend in exchange for longer holidays. Their government
    announces the days of each year in the autumn before: the State Council does so in China. Until
    the library has them, it gives only the holidays of fixed dates, and guesses which days are off
    instead. So such a calendar is known to the end of the last year that has days worked instead.
    """
    return date(max(day.year for day in worked) if worked else YEARS[-1], 12, 31)
