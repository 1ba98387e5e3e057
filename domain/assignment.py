"""Assign a day's calls to collectors, all at once: who calls whom, and why a call is left over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.assignment_continuity import reunite
from domain.assignment_day import Caller, Day, PersonCall
from domain.assignment_shares import even_out
from domain.reasons import Reasons


@dataclass(frozen=True, slots=True)
class Given:
    """A call that a collector makes, and a time at which all calls of the collector fit."""

    person: int
    collector: int
    starts_at: datetime
    """In UTC."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    person: int
    reason: Reasons
    """The limit that binds."""


@dataclass(frozen=True, slots=True)
class Assignment:
    given: tuple[Given, ...]
    left_over: tuple[LeftOver, ...]
    uneven: Reasons
    """Why the value of a collector is more than 15 % from the mean of equals: the limit that binds,
    for each such collector."""


def assign(calls: Sequence[PersonCall], callers: Sequence[Caller], on: date) -> Assignment:
    """Assign calls of the day `on`: a pure function of its arguments, whatever their order.

    The objective, each part before the next: (1) as many calls that must be done as possible;
    (2) as much value as possible; (3) as many calls as possible by who spoke with the person last;
    (4) the value of a collector within 15 % of the mean of the collectors with equal skills,
    languages and hours, or the limit that binds is named. Limits are never broken: shifts, breaks,
    capacity, certificate, language, skill, windows, and whom somebody must not handle. A person
    is called by one collector.

    It is a heuristic. Calls are placed one by one, duties first, then by value a minute, each with
    the suitable collector, and at the time, that the other calls want least. What finds no place
    gets one if another call can move, or if it is worth more than the call in its place.
    Then calls are exchanged for (3) and, among equals, for (4).

    Raises:
        ValueError: a person or a collector is there twice, or a call has no minutes.
    """
    _check(calls, callers)
    day = Day(sorted(calls, key=_order), sorted(callers, key=lambda caller: caller.id), on)
    waiting = [nr for nr in range(len(day.calls)) if not day.place(nr)]
    left = day.improve(waiting)
    reunite(day)
    uneven = even_out(day)
    given = (
        Given(day.calls[nr].person, diary.caller.id, day.starts_at(nr, diary))
        for diary in day.diaries
        for nr in sorted(diary.starts, key=diary.starts.__getitem__)
    )
    return Assignment(
        tuple(given),
        tuple(LeftOver(day.calls[nr].person, day.limit_of(nr)) for nr in sorted(left)),
        uneven,
    )


def _check(calls: Sequence[PersonCall], callers: Sequence[Caller]) -> None:
    if len({call.person for call in calls}) < len(calls):
        raise ValueError("A person is there twice: one call is about all loans of a person.")
    if len({caller.id for caller in callers}) < len(callers):
        raise ValueError("A collector is there twice.")
    if any(call.minutes < 1 for call in calls):
        raise ValueError("A call takes at least one minute.")


def _order(call: PersonCall) -> tuple[bool, Decimal, int]:
    """Duties first, the shortest first, so that the most of them find a place; then value a
    minute."""
    weight = Decimal(call.minutes) if call.must_do else -call.value / call.minutes
    return not call.must_do, weight, call.person
