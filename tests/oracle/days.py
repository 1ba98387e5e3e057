"""Which day it is, worked out once more: from the ladder's file and the State Council's notices.

No code of the engine. Amounts are cents, so that nothing is rounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

LADDERS = Path(__file__).parents[2] / "config" / "ladders"

# 国务院办公厅关于2025年、2026年部分节假日安排的通知: first and last day of each holiday, and the
# days of a weekend that are worked for it.
OFF = """
2025-01-01 2025-01-01, 2025-01-28 2025-02-04, 2025-04-04 2025-04-06, 2025-05-01 2025-05-05,
2025-05-31 2025-06-02, 2025-10-01 2025-10-08, 2026-01-01 2026-01-03, 2026-02-15 2026-02-23,
2026-04-04 2026-04-06, 2026-05-01 2026-05-05, 2026-06-19 2026-06-21, 2026-09-25 2026-09-27,
2026-10-01 2026-10-07
"""
WORKED = """
2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28 2026-05-09
2026-09-20 2026-10-10
"""
ANNOUNCED_TO = date(2026, 12, 31)


@dataclass(frozen=True, slots=True)
class Owed:
    """What is unpaid of one instalment, in cents."""

    due_on: date
    unpaid: int


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a loan stands on one day."""

    days_past_due: int
    past_due: int
    ladder_since: date | None
    ladder_day: int | None
    """Without the days of holds."""


@cache
def ladder_file(name: str) -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(LADDERS / f"{name}.yaml")
    return read


@cache
def days_off() -> frozenset[date]:
    off = set()
    for block in OFF.replace("\n", " ").split(","):
        first, last = map(date.fromisoformat, block.split())
        off |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return frozenset(off)


@cache
def days_worked() -> frozenset[date]:
    return frozenset(map(date.fromisoformat, WORKED.split()))


def is_worked(day: date) -> bool:
    if day in days_worked():
        return True
    return day not in days_off() and day.isoweekday() <= 5


def falls_due(ladder: dict[str, Any], due_on: date) -> date | None:
    """The day on which it falls due; None where nobody has announced it."""
    if ladder.get("due_on_rest_day", "as_written") == "as_written":
        return due_on
    return next_worked(due_on)


def next_worked(day: date) -> date | None:
    """The day, or the first one after it that is worked; None where nobody has announced it."""
    later = (day + timedelta(days=n) for n in range(40))
    found = next(each for each in later if each > ANNOUNCED_TO or is_worked(each))
    return None if found > ANNOUNCED_TO else found


def stands(
    ladder: dict[str, Any], schedule: Iterable[Owed], on: date, held: Iterable[date] = ()
) -> Stands:
    """Where a loan stands at the end of all that is known on `on`."""
    late = []
    for owed in schedule:
        day = falls_due(ladder, owed.due_on)
        if owed.unpaid and day is not None and day < on:
            late.append((day, owed.unpaid))
    late.sort()
    minimum = int(Decimal(str(ladder["minimum_amount"])) * 100)
    since, amount = None, 0
    for day, unpaid in late:
        amount += unpaid
        if amount >= minimum:
            since = day
            break
    days = None
    if since:
        passed = [since + timedelta(days=n) for n in range((on - since).days)]
        days = len(set(passed) - set(held))
    return Stands(
        days_past_due=(on - late[0][0]).days if late else 0,
        past_due=sum(unpaid for _, unpaid in late),
        ladder_since=since,
        ladder_day=days,
    )
