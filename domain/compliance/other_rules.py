"""What else a law asks of a contact: who is reached, what is said, what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.collectors import years_after
from domain.compliance.contact_facts import ContactFacts, Party, PastContact, Says
from domain.compliance.contact_hours import moment_of
from domain.compliance.rules import Blocked, Channel, EarliestTime, Rule, RulePack
from domain.holds import HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent(Rule):
    """What a message must say, and what it must not."""

    must_say: frozenset[Says] = frozenset()
    must_not_say: frozenset[Says] = frozenset()
    to: Party | None = None
    """Whom it is about; None: whoever is reached."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        return Rule.applies_to_contact(self, facts) and self.to in (None, facts.party)

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if missing := self.must_say - facts.says:
            what = ", ".join(sorted(missing))
            return Blocked(f"The message lacks what {self.source.citation} asks for: {what}.")
        if forbidden := self.must_not_say & facts.says:
            what = ", ".join(sorted(forbidden))
            return Blocked(f"The message says what {self.source.citation} forbids: {what}.")
        return at


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDuty(Rule):
    """How many go on a visit, and how long before it the person must be told."""

    staff: int = 1
    notice_days: int = 0
    """Full days between the notice and the visit."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if facts.visit_staff < self.staff:
            return Blocked(f"{self.source.citation} asks for {self.staff} people on a visit.")
        if not self.notice_days:
            return at
        if facts.noticed_at is None:
            return Blocked(f"{self.source.citation} asks for a notice before a visit.")
        told_on = facts.noticed_at.astimezone(ZoneInfo(zone)).date()
        return max(at, moment_of(told_on + timedelta(days=self.notice_days), time.min, zone))

    @property
    def violation(self) -> str:
        return f"Sooner after its notice than {self.source.citation} allows."


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationNotice(Rule):
    """The borrower is told in writing what is owed, with the first contact or soon after it."""

    within_days: int

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        first, today = facts.first_contact_on, at.astimezone(ZoneInfo(zone)).date()
        if facts.validation_notice_on is not None or first is None:
            return at
        if today <= first + timedelta(days=self.within_days):
            return at
        return Blocked(
            f"The written notice that {self.source.citation} asks for within {self.within_days} "
            "days of the first contact is not on record."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyContact(Rule):
    """Whether anybody but the borrower may be contacted."""

    when_unreachable: bool = False
    """Only while the borrower cannot be reached; otherwise never."""
    failures: int = 0
    """So many calls in a row that reached nobody mean that the borrower cannot be reached."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        return Rule.applies_to_contact(self, facts) and facts.party is Party.THIRD_PARTY

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if not self.when_unreachable:
            return Blocked(f"{self.source.citation} forbids contact with third parties.", True)
        if facts.number_invalid or self._in_vain(facts.history):
            return at
        return Blocked(
            f"{self.source.citation} allows it only when the borrower cannot be reached: the "
            f"number is invalid, or {self.failures} calls in a row failed."
        )

    def _in_vain(self, history: Sequence[PastContact]) -> bool:
        calls = [
            one for one in history if one.channel is Channel.CALL and one.party is Party.BORROWER
        ]
        latest = sorted(calls, key=lambda one: one.at)[-self.failures :]
        return len(latest) >= self.failures and all(one.connected is False for one in latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limitation(Rule):
    """A debt whose time to sue has run out is not sued on, nor is a suit spoken of."""

    years: int

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if channel is not Channel.LEGAL and Says.LEGAL_CONSEQUENCES not in facts.says:
            return at
        if facts.limitation_from is None:
            return Blocked("The day from which the time to sue runs is not known.")
        today = at.astimezone(ZoneInfo(zone)).date()
        if today <= years_after(facts.limitation_from, self.years):
            return at
        return Blocked(f"The time to sue has run out: {self.source.citation}.", True)


def limitation_date(packs: Iterable[RulePack], since: date | None, on: date) -> date | None:
    """The last day on which a claim can be brought by all of these laws that are in force on `on`.

    `since` is the day from which the time to sue runs. None: that day, or the law, is not known.
    """
    years = [
        rule.years
        for pack in packs
        for rule in pack.rules
        if isinstance(rule, Limitation) and rule.in_force(on)
    ]
    return years_after(since, min(years)) if since and years else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct(Rule):
    """What people must see to themselves: shown with the work, and open to the gate at any time."""

    text: str

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        return at


class Kept(StrEnum):
    """What is kept, and for how long at least."""

    RECORDS = "records"
    RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Rule):
    """How long something must be kept after the last activity about a loan. No contact's rule."""

    of: Kept
    years: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLength(Rule):
    """How long a hold lasts by law, where whoever places it names no end. No contact's rule."""

    hold: HoldKind
    days: int
    after_release: bool = False
    """Whether it lasts that long from the day it is released on, not from the day it starts."""


class HoldFrom(StrEnum):
    """From which day a law counts how long a hold lasts."""

    START = "start"
    RELEASE = "release"


def hold_length(packs: Iterable[RulePack], kind: HoldKind, on: date) -> HoldLength | None:
    """How long these laws make a hold last that starts on `on`: the longest of them."""
    found = [
        rule
        for pack in packs
        for rule in pack.rules
        if isinstance(rule, HoldLength) and rule.hold is kind and rule.in_force(on)
    ]
    return max(found, key=lambda rule: rule.days, default=None)
