"""Public holidays, and the days worked instead, of each country; from the `holidays` library."""

from datetime import date
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import holidays
from holidays.registry import COUNTRIES

from config.readers.yaml_reader import Value
from domain.compliance.calendars import Calendar

YEARS = range(2015, 2036)
"""The years of a calendar."""


def read_calendar(value: Value) -> Calendar:
    """The national calendar of an ISO 3166-1 country, such as AU.

    Raises:
        PolicyError: there is no calendar for it.
    """
    country = value.known(sorted(_modules()), "calendar for")
    return _calendar(country)


@cache
def _calendar(country: str) -> Calendar:
    found = _class_of(country)(years=YEARS)
    worked = frozenset(found.weekend_workdays)
    return Calendar(frozenset(found), worked, _known_until(worked), country)


@cache
def _modules() -> dict[str, str]:
    """The module of each country by its codes, of two letters and of three."""
    return {
        code: module
        for module, (_, *codes) in COUNTRIES.items()
        for code in codes
        if len(code) in (2, 3)
    }


def _class_of(country: str) -> Any:
    """The holidays of a country, from its module alone.

    The library itself would import those of all countries first: a third of the time in which a
    process reads its policy.
    """
    module = _modules()[country]
    path = Path(holidays.__file__).parent / "countries" / f"{module}.py"
    loader, loaded = SourceFileLoader(module, str(path)), ModuleType(module)
    loader.exec_module(loaded)
    return getattr(loaded, COUNTRIES[module][0])


def _known_until(worked: frozenset[date]) -> date:
    """The last day that is certain.

    Some countries work days of a weekend in exchange for longer holidays. Their government
    announces the days of each year in the autumn before: the State Council does so in China. Until
    the library has them, it gives only the holidays of fixed dates, and guesses which days are off
    instead. So such a calendar is known to the end of the last year that has days worked instead.
    """
    return date(max(day.year for day in worked) if worked else YEARS[-1], 12, 31)
