"""For which moment a callback may be agreed: nobody promises a call that nobody may or can make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.collectors import Span
from domain.compliance.verdict import Permission, Verdict
from domain.contact_outcomes import CALLBACK_TAKES
from domain.reasons import Reasons


class Obstacle(StrEnum):
    """What stands against a callback at a moment."""

    GATE = "gate"  # a law, a wish of the person, or the lender's own policy
    VISIT = "visit"  # whoever agrees on it is at a door then
    NOBODY_WORKS = "nobody_works"


@dataclass(frozen=True, slots=True)
class Callback:
    """What came of the question whether a callback may be agreed for a moment."""

    moment: datetime | None
    """The first possible moment, not before the one asked about. None: there is none in time."""
    obstacle: Obstacle | None = None
    """What stands against the moment asked about; None: nothing does."""
    why: Reasons = ()
    """The gate's reasons, where it is the obstacle, or where there is no moment."""


def first_callback(
    at: datetime,
    last: datetime,
    gate: Callable[[datetime], Verdict],
    *,
    visits: Sequence[Span] = (),
    working: Sequence[Span] | None = None,
    takes: timedelta = CALLBACK_TAKES,
) -> Callback:
    """The first moment from `at` up to `last` for which a callback may be agreed; all aware.

    The `gate` allows it, whoever agrees on it has none of these `visits` for as long as
    `CALLBACK_TAKES`, and somebody who may make it works for as long as a call `takes`. `working` is
    when these people work; None: that is not known.
    """
    moment = at
    first: Obstacle | None = None
    why: Reasons = ()
    while moment <= last:
        verdict = gate(moment)
        if verdict.permission is not Permission.ALLOWED:
            why = why if first else verdict.reason
            first = first or Obstacle.GATE
            if verdict.permission is Permission.BARRED or verdict.until is None:
                return Callback(None, first, verdict.reason)
            moment = verdict.until
            continue
        until, obstacle = _free_from(moment, visits), Obstacle.VISIT
        if until == moment:
            until, obstacle = _somebody_from(moment, working, takes), Obstacle.NOBODY_WORKS
        if until == moment:
            return Callback(moment, first, why)
        first = first or obstacle
        if until is None:
            break
        moment = until
    return Callback(None, first, why)


def _free_from(moment: datetime, visits: Sequence[Span]) -> datetime | None:
    call = Span(moment, moment + CALLBACK_TAKES)
    return max((visit.ends_at for visit in visits if visit.overlaps(call)), default=moment)


def _somebody_from(
    moment: datetime, working: Sequence[Span] | None, takes: timedelta
) -> datetime | None:
    if working is None:
        return moment
    return min(
        (
            max(span.starts_at, moment)
            for span in working
            if max(span.starts_at, moment) + takes <= span.ends_at
        ),
        default=None,
    )
