"""Rule kind: what suspends the time to sue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from domain.collectors import months_after
from domain.compliance.contact_facts import Suspension
from domain.compliance.rules import Rule
from domain.compliance.vocabulary import Suspends

ENDLESS = date.max
"""The last day of a time that does not end as long as something lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitationSuspension(Rule):
    """What suspends the time to sue under every limitation rule that applies.

    Without `ends_after_months` or `ends_after_weeks` the days of it do not count. With one of them
    the time ends that much later than what suspended it, if it would end before.
    """

    during: frozenset[Suspends]
    in_last_months: int | None = None
    """Only if it lasts into the last so many months of the time. None: the days must meet."""
    ends_after_months: int | None = None
    ends_after_weeks: int | None = None

    def extended(self, runs_from: date, last: date, suspensions: Iterable[Suspension]) -> date:
        """The last day of a time that runs from `runs_from` and would end after `last`."""
        for suspension in sorted(suspensions, key=lambda suspension: suspension.starts_on):
            starts_on, ends_on = suspension.starts_on, suspension.ends_on or ENDLESS
            if last == ENDLESS or suspension.kind not in self.during or starts_on > last:
                continue
            if ends_on <= max(starts_on, self._must_reach(runs_from, last)):
                continue
            if suspension.ends_on is None:
                last = ENDLESS
            elif self.ends_after_months is not None:
                last = max(last, months_after(ends_on, self.ends_after_months))
            elif self.ends_after_weeks is not None:
                last = max(last, ends_on + timedelta(weeks=self.ends_after_weeks))
            else:
                last += ends_on - max(starts_on, runs_from + timedelta(days=1))
        return last

    def _must_reach(self, runs_from: date, last: date) -> date:
        """Where a suspension ends on this day or before, it is over too early to count."""
        if self.in_last_months is not None:
            return months_after(last, -self.in_last_months) + timedelta(days=1)
        if self.ends_after_months is None and self.ends_after_weeks is None:
            return runs_from + timedelta(days=1)  # the day itself is not counted
        return last
