"""What a lender's own status of a loan means in days past due, so that the two can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from config.readers.yaml_reader import Value

_DAYS = re.compile(r"(\d{1,5})(?:(-)(\d{1,5})?)?")
_SETTLED = "settled"
_INSTEAD = "Write settled, or days past due, such as 0, 1-15 or 121-."


@dataclass(frozen=True, slots=True)
class DayRange:
    """A status that a loan has from one number of days past due to another."""

    status: str
    first: int
    last: int | None
    """None: and all days after."""

    def __contains__(self, days_past_due: int) -> bool:
        return self.first <= days_past_due and (self.last is None or days_past_due <= self.last)


@dataclass(frozen=True, slots=True)
class LenderStatuses:
    """The lender's statuses, and sentences on why one may differ from what the days say."""

    settled: str
    """The status of a loan on which nothing is owed any more."""
    ranges: tuple[DayRange, ...]
    """In order and without a gap, from 0 days past due on."""
    reasons: Mapping[tuple[str, str], str]
    """(what the days past due say, what the lender says) → why."""

    def of(self, days_past_due: int, settled: bool) -> str:
        """The status that a loan has by its days past due."""
        if settled:
            return self.settled
        return next(r.status for r in self.ranges if days_past_due in r)


def read_lender_statuses(place: Value, disagreements: Value | None) -> LenderStatuses:
    """The `lender_statuses:` and `disagreements:` of a mapping.

    Raises:
        PolicyError: a number of days has no status or two, or a status is not known.
    """
    pairs = place.pairs()
    settled = [status for status, value in pairs.items() if value.text() == _SETTLED]
    ranges = [_range(s, value) for s, value in pairs.items() if s not in settled]
    ranges.sort(key=lambda r: r.first)
    if len(settled) != 1:
        raise place.refuse(
            "One status must mean that nothing is owed.", "Write one with the value settled."
        )
    if not _cover_every_day(ranges):
        raise place.refuse(
            "The days past due have gaps, or two statuses on one day.",
            "Let the first begin at 0, each begin the day after the one before, the last be open.",
        )
    reasons = _reasons(disagreements, list(pairs)) if disagreements else {}
    return LenderStatuses(settled[0], tuple(ranges), reasons)


def _range(status: str, value: Value) -> DayRange:
    match = _DAYS.fullmatch(value.text())
    if match is None:
        raise value.refuse(f"The status {status} is {value.text()}.", _INSTEAD)
    first, dash, last = match.groups()
    if dash and last is None:
        return DayRange(status, int(first), None)
    return DayRange(status, int(first), int(last or first))


def _cover_every_day(ranges: list[DayRange]) -> bool:
    return (
        bool(ranges)
        and ranges[0].first == 0
        and ranges[-1].last is None
        and all(r.last is not None and r.first <= r.last for r in ranges[:-1])
        and all(a.last is not None and b.first == a.last + 1 for a, b in pairwise(ranges))
    )


def _reasons(place: Value, statuses: list[str]) -> dict[tuple[str, str], str]:
    reasons: dict[tuple[str, str], str] = {}
    for entry in place.values():
        section = entry.section({"ours", "lender", "why"})
        ours = section.need("ours").known(statuses, "status")
        lender = section.need("lender").known(statuses, "status")
        reasons[ours, lender] = section.need("why").text()
    return reasons
