"""What was agreed with people, judged once more: promises, plans, and how often a call is tried.

No code of Arrears: the terms are read as they are written. Amounts are cents.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from tests.oracle.days import LADDERS, Owed

PROMISES, ARRANGEMENTS = LADDERS.parent / "promises", LADDERS.parent / "arrangements"
QUARTER = timedelta(minutes=15)
"""Every zone's hours begin on a quarter of an hour of every other zone's."""


@cache
def promise_terms(name: str) -> dict[str, Any]:
    """A file of `config/promises` as it is written."""
    return _read(PROMISES / f"{name}.yaml")


@cache
def arrangement_terms(name: str) -> dict[str, Any]:
    """A file of `config/arrangements` as it is written."""
    return _read(ARRANGEMENTS / f"{name}.yaml")


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(path)
    return read


class Money(NamedTuple):
    """A payment that was not taken back."""

    paid_on: date
    known_at: datetime
    cents: int


def never(_: date) -> bool:
    """No day is one on which something stops collection."""
    return False


@dataclass(slots=True)
class Pledge:
    """A promise: what by which day, and when it was made, by the lender's clock."""

    parts: tuple[tuple[date, int], ...]
    made_at: datetime
    lacking: int = 0
    """So many cents may be lacking."""
    grace: int = 0
    booking: int = 1
    partly: int | None = None
    """From so many cents on it is part kept; None: it never is."""
    next_made_at: datetime | None = None
    """What is paid after the next promise was made is for that one."""

    @classmethod
    def by_terms(
        cls, parts: Iterable[tuple[date, int]], made_at: datetime, terms: dict[str, Any]
    ) -> "Pledge":
        """The promise as the lender's terms take it."""
        in_order = tuple(sorted(parts))
        all_of_it = sum(cents for _, cents in in_order)
        most = terms["tolerance"]
        return cls(
            in_order,
            made_at,
            lacking=min(cents_of(most["amount"]), _share(all_of_it, most["percent"])),
            grace=terms["grace_days"],
            booking=terms["booking_days"],
            partly=_share(all_of_it, terms["partly_from_percent"]),
        )

    def judged_on(self, part: int, stopped: Callable[[date], bool] = never) -> date:
        """The day on which it is known whether a part was paid in time, if something else had not
        stopped collection."""
        return self.latest(part, stopped) + timedelta(days=self.booking + 1)

    def latest(self, part: int, stopped: Callable[[date], bool] = never) -> date:
        """The last day on which a payment is in time. Days on which something else stops collection
        do not count, from the day of the part on, until the day on which all is known."""
        day, left = self.parts[part][0], self.grace + self.booking + 1
        lost = 0
        while left:
            lost += stopped(day)
            left -= not stopped(day)
            day += timedelta(days=1)
        return self.parts[part][0] + timedelta(days=self.grace + lost)

    @property
    def pauses_until(self) -> date:
        """The first day without the pause, if nothing ends it sooner."""
        return self.judged_on(-1)


def pledge_stands(
    pledge: Pledge, money: Iterable[Money], on: date, stopped: Callable[[date], bool] = never
) -> tuple[str, int]:
    """Where a promise stands on a day by what is known then, and how much was paid of it."""
    counts = [
        each
        for each in money
        if each.paid_on >= pledge.made_at.date() and each.known_at >= pledge.made_at
        if not _is_for_the_next(pledge.next_made_at, each)
    ]
    promised, lacks = 0, []
    for n, (_, cents) in enumerate(pledge.parts):
        promised += cents
        latest = pledge.latest(n, stopped)
        there = sum(each.cents for each in counts if each.paid_on <= latest)
        if there + pledge.lacking < promised:
            lacks.append(n)
    last = pledge.latest(-1, stopped)
    in_time = min(promised, sum(each.cents for each in counts if each.paid_on <= last))
    if not lacks:
        return "kept", in_time
    if on < pledge.judged_on(lacks[0], stopped):
        return "open", in_time
    enough = pledge.partly is not None and in_time >= max(1, pledge.partly)
    return ("part_kept" if enough else "broken"), in_time


def _is_for_the_next(made_at: datetime | None, money: Money) -> bool:
    if made_at is None:
        return False
    return money.paid_on >= made_at.date() and money.known_at > made_at


class PlanPart(NamedTuple):
    """One instalment of a plan, with the day on which it really falls due."""

    falls_due: date | None
    unpaid: int


def plan_stands(
    parts: Sequence[PlanPart], grace: int, ends_it: int, on: date
) -> tuple[str, list[date]]:
    """Where a plan stands at the beginning of a day, and which of its instalments are missed.

    What was paid on the day before is known by then, and counts.
    """
    unpaid = [each for each in parts if each.unpaid]
    if not unpaid:
        return "completed", []
    yesterday = on - timedelta(days=1)
    missed = [
        each.falls_due
        for each in unpaid
        if each.falls_due and (yesterday - each.falls_due).days > grace
    ]
    over = len(missed) >= ends_it or len(missed) == len(unpaid)
    return ("defaulted" if over else "active"), missed


def default_not_before(known_on: date, grace: int) -> date:
    """The first day on which a plan can be in default whose days of grace begin anew on a day: they
    are full days, and what is paid on the last of them is known on the next."""
    return known_on + timedelta(days=grace + 2)


def paid_oldest_first(schedule: Iterable[tuple[date, int]], paid: int) -> list[Owed]:
    """What is unpaid of each instalment. The schedule is in the order of its days."""
    owed = []
    for due_on, cents in schedule:
        taken = min(paid, cents)
        paid -= taken
        owed.append(Owed(due_on, cents - taken))
    return owed


def next_try(
    tries: dict[str, Any], made: Sequence[datetime], zone: str, now: datetime
) -> datetime | None:
    """From when on a call may be tried again; None: its tries are used up.

    Every quarter of an hour of a week is looked at, up to the first one in the part of the day that
    was tried least.
    """
    if len(made) >= tries["most"]:
        return None
    apart = timedelta(hours=tries["hours_apart"])
    earliest = max([now, *(at + apart for at in made)])
    if not tries.get("hours"):
        return earliest
    local = ZoneInfo(zone)
    parts = [tuple(map(int, hours.split("-"))) for hours in tries["hours"]]
    used = [sum(first <= at.astimezone(local).hour < last for at in made) for first, last in parts]
    started = earliest.astimezone(local)
    week = started.date() + timedelta(days=7)
    least, found = min(used), dict[int, datetime]()
    moment = started.astimezone(ZoneInfo("UTC"))
    while (there := moment.astimezone(local)).date() < week and least not in found:
        for times, (first, last) in zip(used, parts, strict=True):
            if first <= there.hour < last:
                found.setdefault(times, moment)
        quarter = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
        moment = quarter + QUARTER
    return found[min(found)]


def cents_of(written: object) -> int:
    """An amount as it is written."""
    return int(Decimal(str(written)) * 100)


def _share(cents: int, percent: object) -> int:
    """Rounded down to a cent."""
    return int(cents * Decimal(str(percent)) / 100)
