"""Rule kind: how long a lender may sue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.collectors import years_after
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.rules import RulePack, rules_in_force
from domain.compliance.vocabulary import Channel, Says
from domain.reasons import ReasonCode, because


@dataclass(frozen=True, slots=True, kw_only=True)
class Limitation(ContactRule):
    """After the time to sue has run out, nobody sues and no message speaks of a suit."""

    years: int

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if channel is not Channel.LEGAL and Says.LEGAL_CONSEQUENCES not in facts.says:
            return at
        if facts.limitation_from is None:
            return Blocked(because(ReasonCode.LIMITATION_UNKNOWN))
        today = at.astimezone(ZoneInfo(zone)).date()
        if today <= years_after(facts.limitation_from, self.years):
            return at
        over = because(ReasonCode.LIMITATION_OVER, citation=self.source.citation)
        return Blocked(over, permanent=True)


def limitation_date(packs: Iterable[RulePack], since: date | None, on: date) -> date | None:
    """The last day on which a claim can be brought by all of these laws that are in force on `on`.

    `since` is the day from which the time to sue runs. Returns None if that day, or the law, is not
    known.
    """
    years = [rule.years for rule in rules_in_force(packs, Limitation, on)]
    return years_after(since, min(years)) if since and years else None
