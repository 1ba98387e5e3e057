"""Calendars are those of the library, of which only the countries asked for are loaded."""

import holidays
import pytest

from config.readers.calendars import YEARS, _calendar, _modules


@pytest.mark.parametrize("country", ["CN", "US", "AUS", "UK", "AS"])
def test_a_calendar_is_that_of_the_library(country: str) -> None:
    found = holidays.country_holidays(country, years=YEARS)
    calendar = _calendar(country)
    assert calendar.holidays == frozenset(found)
    assert calendar.worked == frozenset(found.weekend_workdays)


def test_the_countries_are_those_of_the_library() -> None:
    assert sorted(_modules()) == sorted(holidays.list_supported_countries())
