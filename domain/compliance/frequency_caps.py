"""Rule kind: how often a person may be contacted within a window of days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts, PastContact
from domain.compliance.contact_hours import moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import NOT_THE_PERSON, Channel, ConsentTo, Party
from domain.contact_outcomes import ContactOutcome
from domain.reasons import ReasonCode, Reasons, because

LONGEST_WINDOW = 31
"""Days. The history of contacts that the gate gets covers at least so many days."""


class Counter(StrEnum):
    """Which contacts count."""

    ATTEMPT = "attempt"
    CONNECTED = "connected"  # a conversation with the person
    UNANSWERED = "unanswered"  # nobody was


class Scope(StrEnum):
    """Whose contacts count."""

    PERSON = "person"  # all loans together
    DEBT = "debt"
    NUMBER = "number"  # those at one number, with whomever and about whatever


class CalendarUnit(StrEnum):
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class ConsecutiveDays:
    """Any period of so many consecutive days, in the person's local calendar."""

    days: int


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
    so many days. Contacts with the person count for the person, and contacts with a third party for
    that third party alone. A cap of a number counts what was done at that number, with everybody
    who has it.
    """

    counts: frozenset[Channel]
    """The channels that are counted; `channels` are those that wait when the cap is reached."""
    counter: Counter
    scope: Scope
    window: Window
    at_most: int
    ignores: frozenset[ContactOutcome] = frozenset()
    """Outcomes of contacts that do not count."""
    counts_inbound: bool = False
    """Whether a contact that the person began counts too."""
    counts_third_parties: bool = False
    """Whether the person and third parties share one count."""
    consent_days: int = 0
    """For how many days the person's consent frees from the cap, its own day the first. It ends
    with the next conversation. 0: not at all."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        counted = [contact for contact in self._made(facts) if self._counts(contact, facts)]
        if len(counted) < self.at_most:
            return at
        days = [_local_day(contact.at, zone) for contact in counted]
        today = _local_day(at, zone)
        if not self._is_full(days, today) or self._consented(facts, zone, at):
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

    def _made(self, facts: ContactFacts) -> tuple[PastContact, ...]:
        """The contacts among which the cap counts: the person's own, or those at the number.

        Somebody else is known by their number alone. What was done with others at a number of the
        person was not done with them.
        """
        if self.scope is Scope.NUMBER:
            return facts.history + facts.number_history
        if facts.party not in NOT_THE_PERSON:
            return facts.history
        with_them = (c for c in facts.number_history if c.number in (None, facts.number))
        return (*facts.history, *with_them)

    def _counts(self, contact: PastContact, facts: ContactFacts) -> bool:
        if contact.channel not in self.counts or contact.outcome in self.ignores:
            return False
        if contact.inbound and not self.counts_inbound:
            return False
        if self.place and not self.place.includes(at_work=contact.at_work, party=contact.party):
            return False
        if self.scope is Scope.DEBT and not contact.is_about(facts.loan_id):
            return False
        if self.scope is Scope.NUMBER:
            if facts.number is None or contact.number != facts.number:
                return False
        elif not self.counts_third_parties and not _same_party(contact, facts):
            return False
        if self.counter is Counter.CONNECTED:
            return contact.connected is not False and self._with_whom_it_counts(contact, facts)
        if self.counter is Counter.UNANSWERED:
            return contact.connected is not True
        return True

    def _with_whom_it_counts(self, contact: PastContact, facts: ContactFacts) -> bool:
        """Whether the conversation was with the one to be contacted, not with somebody else."""
        if self.scope is Scope.NUMBER or self.counts_third_parties:
            return True
        return contact.reached_other is (facts.party in NOT_THE_PERSON)

    def _consented(self, facts: ContactFacts, zone: str, at: datetime) -> bool:
        return any(
            consent.to is ConsentTo.MORE_CONTACTS
            and consent.covers(at)
            and (_local_day(at, zone) - _local_day(consent.since, zone)).days < self.consent_days
            and not any(
                contact.at > consent.since
                and contact.connected is not False
                and not contact.reached_other
                for contact in facts.history
            )
            for consent in facts.consents
        )

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


def _same_party(contact: PastContact, facts: ContactFacts) -> bool:
    """Whether the contact was with the party to be contacted; a third party is known by its number.

    If one party was called and the other answered, it was a contact with both. Calls to a
    representative count for nobody else: 12 CFR 1006.14(b)(3)(iii).
    """
    if facts.party not in NOT_THE_PERSON:
        return contact.party not in NOT_THE_PERSON or contact.reached_borrower
    answered = facts.party is Party.THIRD_PARTY and contact.reached_other
    at_number = contact.number in (None, facts.number)
    return at_number and (contact.party is facts.party or answered)


def _local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
