"""Rule kind: how often a person may be contacted within a window of days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts, PastContact
from domain.compliance.contact_hours import moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, Reasons, because

LONGEST_WINDOW = 31
"""Days. The history of contacts that the gate gets covers at least so many days."""


class Counter(StrEnum):
    """Which contacts count."""

    ATTEMPT = "attempt"
    CONNECTED = "connected"  # a person was reached
    UNANSWERED = "unanswered"  # nobody was


class Scope(StrEnum):
    """Whose contacts count."""

    BORROWER = "borrower"  # all loans together
    DEBT = "debt"
    NUMBER = "number"


class CalendarUnit(StrEnum):
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class ConsecutiveDays:
    """Any period of so many consecutive days, in the person's local calendar."""

    days: int

    def __str__(self) -> str:
        return "1 day" if self.days == 1 else f"any {self.days} days in a row"


Window: TypeAlias = ConsecutiveDays | CalendarUnit


def windows_around(window: Window, day: date) -> Iterator[tuple[date, date]]:
    """First and last day of every window that contains `day`."""
    match window:
        case ConsecutiveDays(days):
            for back in range(days):
                first = day - timedelta(days=back)
                yield first, first + timedelta(days=days - 1)
        case CalendarUnit.DAY:
            yield day, day
        case CalendarUnit.WEEK:
            first = day - timedelta(days=day.weekday())
            yield first, first + timedelta(days=6)
        case CalendarUnit.MONTH:
            first = day.replace(day=1)
            following = (first + timedelta(days=LONGEST_WINDOW)).replace(day=1)
            yield first, following - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap(ContactRule):
    """At most so many contacts in a window.

    A rule against calling back after a conversation is a cap too: at most one connected contact in
    so many days.
    """

    counts: frozenset[Channel]
    """The channels that are counted; `channels` are those that wait when the cap is reached."""
    counter: Counter
    scope: Scope
    window: Window
    at_most: int

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        counted = [contact for contact in facts.history if self._counts(contact, facts)]
        if len(counted) < self.at_most:
            return at
        local = ZoneInfo(zone)
        days = [contact.at.astimezone(local).date() for contact in counted]
        today = at.astimezone(local).date()
        if not self._is_full(days, today):
            return at
        # A contact may be scheduled for a later day; the windows after that day count as well.
        last = max(*days, today) + timedelta(days=LONGEST_WINDOW + 1)
        for ahead in range(1, (last - today).days + 1):
            if not self._is_full(days, day := today + timedelta(days=ahead)):
                return moment_of(day, time.min, zone)
        return Blocked(because(ReasonCode.CAP_NEVER_FREE, citation=self.source.citation))

    def _is_full(self, days: list[date], day: date) -> bool:
        return any(
            sum(first <= counted <= last for counted in days) >= self.at_most
            for first, last in windows_around(self.window, day)
        )

    def _counts(self, contact: PastContact, facts: ContactFacts) -> bool:
        if contact.channel not in self.counts or (self.at_work and not contact.at_work):
            return False
        if self.scope is Scope.DEBT and contact.loan_id != facts.loan_id:
            return False
        if self.scope is Scope.NUMBER and contact.number != facts.number:
            return False
        if self.counter is Counter.CONNECTED:
            return contact.connected is not False
        if self.counter is Counter.UNANSWERED:
            return contact.connected is not True
        return True

    @property
    def violation(self) -> Reasons:
        citation = self.source.citation
        match self.window:
            case ConsecutiveDays(days) if days > 1:
                return because(ReasonCode.CAP_REACHED_IN_DAYS, citation=citation, days=days)
            case ConsecutiveDays():
                return because(ReasonCode.CAP_REACHED, citation=citation, window=CalendarUnit.DAY)
            case CalendarUnit():
                return because(ReasonCode.CAP_REACHED, citation=citation, window=self.window)

    @property
    def within(self) -> str:
        """The window, in words."""
        if isinstance(self.window, CalendarUnit):
            return f"a calendar {self.window}"
        return str(self.window)
