"""Rule kind: the hours of the day in which a person may be contacted, in their local time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.compliance.calendars import PLAIN_WEEK, Calendar, DayKind
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel, ConsentTo
from domain.reasons import ReasonCode, Reasons, because

LOOK_AHEAD = 35
"""Days in which hours must come again: more than any series of holidays has."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Contact is lawful from `start` up to, not including, `end` on these days."""

    weekdays: frozenset[int]
    """As `date.weekday()`: Monday is 0."""
    start: time
    end: time
    """Local time of the person. `time.max` means midnight."""
    kinds: frozenset[DayKind] = frozenset(DayKind)
    """The kinds of day, by the country's calendar, on which these hours apply."""

    def covers(self, clock: time) -> bool:
        return self.start <= clock and (clock < self.end or self.end == time.max)

    def applies_on(self, day: date, calendar: Calendar) -> bool:
        return day.weekday() in self.weekdays and calendar.kind_of(day) in self.kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactHours(ContactRule):
    """The hours in which a person may be contacted. Outside of them they must not be."""

    hours: tuple[Hours, ...]
    calendar: Calendar = PLAIN_WEEK
    consent_frees: bool = False
    """Whether the person may agree to be contacted at other hours."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        local = at.astimezone(ZoneInfo(zone))
        today, clock = local.date(), local.time()
        if self.needs_calendar and not self.calendar.is_known(today):
            return self._calendar_ends
        for hours in self.hours:
            if hours.covers(clock) and hours.applies_on(today, self.calendar):
                return at
        if self.consent_frees and any(
            consent.to is ConsentTo.OTHER_HOURS and consent.covers(at) for consent in facts.consents
        ):
            return at
        for ahead in range(LOOK_AHEAD):
            day = today + timedelta(days=ahead)
            if self.needs_calendar and not self.calendar.is_known(day):
                return self._calendar_ends
            starts = [
                start
                for hours in self.hours
                if hours.applies_on(day, self.calendar)
                and (start := moment_of(day, hours.start, zone)) > at
            ]
            if starts:
                return min(starts)
        citation = self.source.citation
        return Blocked(because(ReasonCode.NO_HOURS_AHEAD, citation=citation, days=LOOK_AHEAD))

    @property
    def needs_calendar(self) -> bool:
        """Whether the hours differ by the kind of day."""
        return any(hours.kinds != frozenset(DayKind) for hours in self.hours)

    @property
    def _calendar_ends(self) -> Blocked:
        reason = because(
            ReasonCode.CALENDAR_ENDS,
            country=self.calendar.country,
            known_until=self.calendar.known_until,
        )
        return Blocked(reason)

    @property
    def violation(self) -> Reasons:
        return because(ReasonCode.OUTSIDE_HOURS, citation=self.source.citation)


def moment_of(day: date, clock: time, zone: str) -> datetime:
    """The moment, in UTC, of a local date and time. `time.max` is the midnight that ends the day.

    In an hour that comes twice, when summer time ends, it is the first of the two.
    """
    if clock == time.max:
        day, clock = day + timedelta(days=1), time.min
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def overlapping(hours: Sequence[Hours]) -> tuple[Hours, Hours] | None:
    """Two entries that apply on the same day, or None: each day must have its hours once."""
    for index, entry in enumerate(hours):
        for other in hours[:index]:
            if entry.weekdays & other.weekdays and entry.kinds & other.kinds:
                return other, entry
    return None
