"""The times and the places that a person called inconvenient for contact."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from domain.compliance.vocabulary import Channel


class Weekday(StrEnum):
    """A day of the week, in the order of `date.weekday()`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK = tuple(Weekday)
EVERY_DAY = "every_day"


@dataclass(frozen=True, slots=True)
class InconvenientTime:
    """Hours of the day in which a person is not to be contacted, on these days of the week."""

    days: frozenset[Weekday]
    """On which it begins."""
    starts: time
    ends: time
    """Local time of the person. If it is not after `starts`, it is on the next day: from 22:00 to
    06:00 is a night, and from 00:00 to 00:00 is the whole day."""
    channel: Channel | None = None
    """The only channel that it is about; None: all of them."""
    until: datetime | None = None
    """Aware: from then on it counts no more. None: until the person says otherwise."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads days and hours such as `sun`, `mon-fri 09:00-17:00` or `every_day 00:00-12:00`.

        Without hours it is the whole day; 24:00 is the midnight that ends the day.

        Raises:
            ValueError: it is not written so.
        """
        written = text[: LONGEST_WRITTEN + 1].strip().lower()
        match = _WRITTEN.fullmatch(written) if len(text) <= LONGEST_WRITTEN else None
        if match is None or not _known_days(match["days"]):
            raise ValueError(f"{text!r} is no time of the week")
        starts, ends = match["starts"] or "00:00", match["ends"] or "24:00"
        return cls(
            _days(match["days"]),
            time.fromisoformat(starts),
            time.min if ends == "24:00" else time.fromisoformat(ends),
        )

    @property
    def stored(self) -> dict[str, str | list[str]]:
        """As records and events have its days and hours, equal for equal times."""
        days = [str(day) for day in WEEK if day in self.days]
        return {"days": days, "starts": f"{self.starts:%H:%M}", "ends": f"{self.ends:%H:%M}"}

    @property
    def written_days(self) -> list[str]:
        """The days in their order; `every_day` for all seven."""
        return [EVERY_DAY] if len(self.days) == len(WEEK) else sorted(self.days, key=WEEK.index)

    @property
    def written_hours(self) -> tuple[str, str]:
        """From and until, such as 22:00 and 06:00; 24:00 is the midnight that ends a day."""
        ends = f"{self.ends:%H:%M}"
        return f"{self.starts:%H:%M}", "24:00" if ends == "00:00" else ends

    def stops(self, channel: Channel) -> bool:
        return self.channel is None or self.channel is channel

    def begins(self, since: datetime, until: datetime, zone: str) -> Iterator[datetime]:
        """Each moment between the two at which it begins in an IANA zone, in UTC."""
        local = ZoneInfo(zone)
        day, last = since.astimezone(local).date(), until.astimezone(local).date()
        while day <= last:
            if WEEK[day.weekday()] in self.days:
                first = datetime.combine(day, self.starts, local)
                for moment in {first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)}:
                    if since < moment < until:
                        yield moment
            day += timedelta(days=1)

    def over_at(self, at: datetime, zone: str) -> datetime | None:
        """When it is over, in UTC, if `at` falls into it in an IANA zone; None if it does not.

        The clock of the zone counts: in an hour that comes twice, when summer time ends, both
        passes fall into it.
        """
        if self.until is not None and at >= self.until:
            return None
        local = at.astimezone(ZoneInfo(zone))
        today = local.date()
        days_long = 1 if self.ends <= self.starts else 0
        for began in (today - timedelta(days=days_long), today):
            last = began + timedelta(days=days_long)
            clock = local.replace(tzinfo=None, fold=0)
            if (
                WEEK[began.weekday()] in self.days
                and datetime.combine(began, self.starts) <= clock
                and clock < datetime.combine(last, self.ends)
            ):
                over = _after(at, last, self.ends, zone)
                return over if self.until is None else min(over, self.until.astimezone(UTC))
        return None


LONGEST_WRITTEN = 100
"""Characters. What is longer is no time of the week, and the pattern is not asked about it."""
_WRITTEN = re.compile(
    r"(?P<days>[a-z_]{3,9}(?:-[a-z]{3})?)"
    r"(?: (?P<starts>(?:[01]\d|2[0-3]):[0-5]\d)-(?P<ends>(?:[01]\d|2[0-3]):[0-5]\d|24:00))?"
)


def _known_days(text: str) -> bool:
    return text == EVERY_DAY or set(text.split("-")) <= set(Weekday)


def _days(text: str) -> frozenset[Weekday]:
    if text == EVERY_DAY:
        return frozenset(Weekday)
    first, _, last = text.partition("-")
    start, end = WEEK.index(Weekday(first)), WEEK.index(Weekday(last or first))
    if end < start:
        end += len(WEEK)  # sat-mon goes over the end of the week
    return frozenset(WEEK[day % len(WEEK)] for day in range(start, end + 1))


def _after(at: datetime, day: date, clock: time, zone: str) -> datetime:
    """When a clock in the zone shows that date and time first after `at`, in UTC."""
    local = datetime.combine(day, clock, ZoneInfo(zone))
    first = local.astimezone(UTC)
    return first if first > at else local.replace(fold=1).astimezone(UTC)


class Location(StrEnum):
    """A place that a person called inconvenient."""

    HOME = "home"
    WORK = "work"
    NUMBER = "number"  # a telephone number, for this person and for nobody else who has it
    ADDRESS = "address"  # an address, likewise


def locations_of_address(*, at_work: bool) -> frozenset[Location]:
    """The places that a visit or a letter reaches."""
    return frozenset({Location.ADDRESS, Location.WORK if at_work else Location.HOME})


@dataclass(frozen=True, slots=True)
class InconvenientPlace:
    """A place at which a person is not to be contacted."""

    place: Location
    channel: Channel | None = None
    """The only channel that it is about; None: all of them."""
    until: datetime | None = None
    """Aware: from then on it counts no more. None: until the person says otherwise."""
    number: str | None = None
    """The key of the number that it is about. None: it is about no number."""

    def stops(self, channel: Channel, at: datetime) -> bool:
        """Whether it counts at `at` for a contact by a channel that reaches this place."""
        of_channel = self.channel is None or self.channel is channel
        return of_channel and (self.until is None or at < self.until)
