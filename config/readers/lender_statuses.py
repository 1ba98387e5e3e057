"""What a lender's own status of a loan means in days past due, so that the two can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from config.readers.yaml_reader import Value
from domain.ladder import Days

_SETTLED = "settled"
_INSTEAD = "Write settled, or days past due, such as 0, 1-15 or 121-."


@dataclass(frozen=True, slots=True)
class LenderStatuses:
    """The lender's statuses, and sentences on why one may differ from what the days say."""

    settled: str
    """The status of a loan of which nothing is owed any more."""
    days: Mapping[str, Days]
    """The days past due of every other status: in order and without a gap, from 0 on."""
    reasons: Mapping[tuple[str, str], str]
    """(status by days past due, status by the lender) → why they differ."""

    def of(self, days_past_due: int, settled: bool) -> str:
        """The status that a loan has by its days past due."""
        if settled:
            return self.settled
        return next(status for status, days in self.days.items() if days_past_due in days)


def read_lender_statuses(statuses: Value, disagreements: Value | None) -> LenderStatuses:
    """The `lender_statuses:` and `disagreements:` of a mapping.

    Raises:
        PolicyError: a number of days has no status or two, or a status is not known.
    """
    pairs = statuses.pairs()
    settled = [status for status, value in pairs.items() if value.text() == _SETTLED]
    days = {
        status: value.days(_INSTEAD) for status, value in pairs.items() if status not in settled
    }
    in_order = dict(sorted(days.items(), key=lambda entry: entry[1].first))
    if len(settled) != 1:
        raise statuses.refuse(
            "One status must mean that nothing is owed.", "Write one with the value settled."
        )
    if not _cover_every_day([*in_order.values()]):
        raise statuses.refuse(
            "The days past due have gaps, or two statuses on one day.",
            "Let the first begin at 0, each begin the day after the one before, the last be open.",
        )
    reasons = _reasons(disagreements, list(pairs)) if disagreements else {}
    return LenderStatuses(settled[0], in_order, reasons)


def _cover_every_day(ranges: list[Days]) -> bool:
    return (
        bool(ranges)
        and ranges[0].first == 0
        and ranges[-1].last is None
        and all(days.last is not None and days.first <= days.last for days in ranges[:-1])
        and all(a.last is not None and b.first == a.last + 1 for a, b in pairwise(ranges))
    )


def _reasons(disagreements: Value, statuses: list[str]) -> dict[tuple[str, str], str]:
    reasons: dict[tuple[str, str], str] = {}
    for entry in disagreements.values():
        section = entry.section("ours lender why")
        ours = section.need("ours").known(statuses, "status")
        lender = section.need("lender").known(statuses, "status")
        reasons[ours, lender] = section.need("why").text()
    return reasons
