"""Rule kind: how long a lender may sue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.collectors import years_after
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.rules import RulePack, rules_in_force
from domain.compliance.vocabulary import Channel, Says
from domain.reasons import ReasonCode, because


class RunsFrom(StrEnum):
    """From when the time to sue for a debt in instalments runs."""

    LAST_INSTALMENT = "last_instalment"  # for all of them, as one debt
    EACH_INSTALMENT = "each_instalment"  # for each from its own due day


@dataclass(frozen=True, slots=True, kw_only=True)
class Limitation(ContactRule):
    """After the time to sue has run out, nobody sues and no message speaks of a suit.

    Where it extinguishes the debt, nobody is contacted about it any more.
    """

    years: int
    runs_from: RunsFrom = RunsFrom.LAST_INSTALMENT
    extinguishes: bool = False
    """Whether the debt itself ends, not only the right to sue."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        of_suit = channel is Channel.LEGAL or Says.LEGAL_CONSEQUENCES in facts.says
        if not of_suit and (not self.extinguishes or facts.limitation_from is None):
            return at
        if facts.limitation_from is None:
            return Blocked(because(ReasonCode.LIMITATION_UNKNOWN))
        today = at.astimezone(ZoneInfo(zone)).date()
        if today <= years_after(facts.limitation_from, self.years):
            return at
        code = ReasonCode.DEBT_EXTINGUISHED if self.extinguishes else ReasonCode.LIMITATION_OVER
        return Blocked(because(code, citation=self.source.citation), permanent=True)


def limitation_date(packs: Iterable[RulePack], since: date | None, on: date) -> date | None:
    """The last day on which a claim can be brought by all of these laws that are in force on `on`.

    `since` is the day from which the time to sue runs. Returns None if that day, or the law, is not
    known.
    """
    years = [rule.years for rule in rules_in_force(packs, Limitation, on)]
    return years_after(since, min(years)) if since and years else None


def is_barred(
    packs: Iterable[RulePack], due_on: date, acknowledged_on: date | None, on: date
) -> bool:
    """Whether one instalment can no longer be sued for on `on`, though later ones may be.

    An acknowledgement after its due day starts its time again.
    """
    since = max(due_on, acknowledged_on or due_on)
    return any(
        rule.runs_from is RunsFrom.EACH_INSTALMENT and on > years_after(since, rule.years)
        for rule in rules_in_force(packs, Limitation, on)
    )
