"""Rule kind: how long a lender may sue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.collectors import years_after
from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.contact_facts import ContactFacts, Interruption, Suspension
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.rules import RulePack, rules_in_force
from domain.compliance.suspension import ENDLESS, LimitationSuspension
from domain.compliance.vocabulary import Channel, Interrupts, Says, Suspends
from domain.holds import Hold, HoldKind
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
    interrupted_by: frozenset[Interrupts] = frozenset(
        {Interrupts.PAYMENT, Interrupts.ACKNOWLEDGEMENT}
    )
    """What starts the time again while it runs."""
    revived_by: frozenset[Interrupts] = frozenset()
    """What starts it again even after it was over."""
    outer_years: int | None = None
    """So many years after the due day it is over, whatever started it again or suspended it. None:
    no limit."""
    moves_from_rest_day: bool = False
    """Whether the next working day is the last one, if the last one is a day of rest."""
    calendar: Calendar = PLAIN_WEEK
    each_debtor: bool = False
    """Whether an act of one debtor starts the time again against this debtor only."""

    def last_day(
        self,
        since: date,
        interruptions: Iterable[Interruption],
        suspensions: Sequence[Suspension] = (),
        rules: Sequence[LimitationSuspension] = (),
    ) -> date:
        """The last day on which can be sued for what fell due on `since`.

        `rules` say which of the suspensions count. `ENDLESS`: not as long as one of them lasts.
        """
        last = self._runs(since, suspensions, rules)
        for interruption in sorted(interruptions, key=lambda interruption: interruption.on):
            kind, on = interruption.kind, interruption.on
            if interruption.by_other and self.each_debtor:
                continue
            in_time = since <= on <= last and kind in self.interrupted_by
            if in_time or (on > last and kind in self.revived_by):
                last = max(last, self._runs(interruption.ended_on or on, suspensions, rules))
        return min(last, years_after(since, self.outer_years)) if self.outer_years else last

    def _runs(
        self,
        since: date,
        suspensions: Sequence[Suspension],
        rules: Iterable[LimitationSuspension],
    ) -> date:
        """The last day of a time that starts on `since`."""
        last = years_after(since, self.years)
        if suspensions:
            for rule in rules:
                last = rule.extended(since, last, suspensions)
        if self.moves_from_rest_day and last != ENDLESS:
            return self.calendar.next_working_day(last) or last
        return last

    def _since(self, facts: ContactFacts, *, threatens: bool) -> date | None:
        """The due day that decides, or None if it is not known.

        Where each instalment has its own time, a claim leaves out barred instalments, so that it
        can be brought while the newest one is not barred. But a message speaks of all that is past
        due: it may threaten to sue only while the oldest instalment is not barred either.
        """
        if self.runs_from is RunsFrom.EACH_INSTALMENT and facts.past_due_from:
            oldest, newest = facts.past_due_from
            return oldest if threatens else newest
        return facts.limitation_from

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        threatens = channel is not Channel.LEGAL and Says.LEGAL_CONSEQUENCES in facts.says
        of_suit = threatens or channel is Channel.LEGAL
        since = self._since(facts, threatens=threatens)
        if not of_suit and (not self.extinguishes or since is None):
            return at
        if since is None:
            return Blocked(because(ReasonCode.LIMITATION_UNKNOWN))
        today = at.astimezone(ZoneInfo(zone)).date()
        suspensions = (*facts.suspensions, *suspended_by(facts.holds))
        rules = rules_in_force(facts.packs, LimitationSuspension, today) if suspensions else ()
        if today <= self.last_day(since, facts.interruptions, suspensions, rules):
            return at
        code = ReasonCode.DEBT_EXTINGUISHED if self.extinguishes else ReasonCode.LIMITATION_OVER
        return Blocked(because(code, citation=self.source.citation), permanent=True)


def suspended_by(holds: Iterable[Hold]) -> tuple[Suspension, ...]:
    """The holds that may suspend the time to sue."""
    return tuple(
        Suspension(Suspends(hold.kind), hold.starts_on, hold.ends_on)
        for hold in holds
        if hold.kind in _SUSPENDING_HOLDS
    )


_SUSPENDING_HOLDS = frozenset(map(str, HoldKind)) & frozenset(map(str, Suspends))


def limitation_date(
    packs: Sequence[RulePack],
    claimed_from: date,
    last_due: date | None,
    on: date,
    interruptions: Sequence[Interruption] = (),
    suspensions: Sequence[Suspension] = (),
) -> date | None:
    """The last day on which the whole claim can be brought by all of these laws in force on `on`.

    `claimed_from` is the day on which the oldest instalment of the claim fell due, `last_due` the
    day on which the last one of the loan does. Returns None if that day, or the law, is not known,
    and while something without an end suspends the time.
    """
    suspending = rules_in_force(packs, LimitationSuspension, on)
    last_days = [
        rule.last_day(since, interruptions, suspensions, suspending)
        for rule in rules_in_force(packs, Limitation, on)
        if (since := claimed_from if rule.runs_from is RunsFrom.EACH_INSTALMENT else last_due)
    ]
    first = min(last_days, default=None)
    return None if first == ENDLESS else first


def is_barred(
    packs: Sequence[RulePack],
    due_on: date,
    interruptions: Sequence[Interruption],
    on: date,
    suspensions: Sequence[Suspension] = (),
) -> bool:
    """Whether one instalment can no longer be sued for on `on`, though later ones may be."""
    suspending = rules_in_force(packs, LimitationSuspension, on)
    return any(
        rule.runs_from is RunsFrom.EACH_INSTALMENT
        and on > rule.last_day(due_on, interruptions, suspensions, suspending)
        for rule in rules_in_force(packs, Limitation, on)
    )
