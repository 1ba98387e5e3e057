"""Choose who makes a call: on shift, trained, speaks the language, and has the lightest load."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from domain.reasons import ReasonCode, Reasons, because


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time from `starts_at` up to, not including, `ends_at`; both aware."""

    starts_at: datetime
    ends_at: datetime

    def covers(self, other: Span) -> bool:
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at

    def overlaps(self, other: Span) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def business_day(now: datetime) -> Span:
    """The whole day of `now`, an aware moment in the lender's zone."""
    today = now.date()
    return Span(
        datetime.combine(today, time.min, now.tzinfo),
        datetime.combine(today + timedelta(days=1), time.min, now.tzinfo),
    )


@dataclass(frozen=True, slots=True)
class Collector:
    """A member of staff who makes calls, known only by an id."""

    id: int
    languages: tuple[str, ...]
    """BCP 47, such as `zh-Hans` or `en`."""
    trained_on: date | None
    """The last training; None: never."""
    daily_capacity: int
    assigned_today: int
    shifts: tuple[Span, ...]
    """The shift that is on, if any, and those to come."""


@dataclass(frozen=True, slots=True)
class NobodyFree:
    """Why nobody can be assigned the work, and when to ask again."""

    reason: Reasons
    try_again_at: datetime | None = None
    """The first moment at which somebody is expected to be free; None: never on this roster."""


def choose_collector(
    collectors: Sequence[Collector], language: str, now: datetime
) -> Collector | NobodyFree:
    """Choose who calls a borrower that speaks `language` (BCP 47).

    `now` is an aware moment in the lender's zone: capacity is counted by its date. The fairest load
    wins: the smallest share of the day's capacity used, then the fewest calls, then the lowest id.
    """
    if not collectors:
        return NobodyFree(because(ReasonCode.NO_CALLERS))
    speaking = [collector for collector in collectors if speaks(collector.languages, language)]
    if not speaking:
        return NobodyFree(because(ReasonCode.NO_CALLER_SPEAKS, language=language))
    trained = [person for person in speaking if is_trained(person.trained_on, now.date())]
    if not trained:
        return NobodyFree(because(ReasonCode.NO_CALLER_TRAINED, language=language))
    present = [person for person in trained if _on_shift(person, now)]
    free = [person for person in present if person.assigned_today < person.daily_capacity]
    if free:
        return min(free, key=_load)
    return NobodyFree(
        because(
            ReasonCode.CALLERS_FULL if present else ReasonCode.NO_CALLER_ON_SHIFT,
            language=language,
        ),
        min((start for person in trained if (start := _free_from(person, now))), default=None),
    )


def speaks(languages: Sequence[str], language: str) -> bool:
    """Does one of `languages` serve `language`? `en` serves `en-GB`; `zh-Hant` not `zh-Hans`."""
    return any(language == own or language.startswith(f"{own}-") for own in languages)


def is_trained(trained_on: date | None, on: date) -> bool:
    """Trained before the work and within a year, the anniversary included.

    Source: GB/T 45251-2025, training before the job and at least once a year (secondary source).
    """
    return trained_on is not None and trained_on <= on <= years_after(trained_on, 1)


def years_after(day: date, years: int) -> date:
    """The same day of the calendar so many years on; 28 February where there is no 29th."""
    return months_after(day, 12 * years)


def months_after(day: date, months: int) -> date:
    """The same day so many months on, or before if negative; the last one of a shorter month."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def _on_shift(collector: Collector, now: datetime) -> bool:
    return any(shift.starts_at <= now < shift.ends_at for shift in collector.shifts)


def _load(collector: Collector) -> tuple[Fraction, int, int]:
    share = Fraction(collector.assigned_today, collector.daily_capacity)
    return share, collector.assigned_today, collector.id


def _free_from(collector: Collector, now: datetime) -> datetime | None:
    """The first moment after `now` on a shift on a day whose capacity is not used up."""
    full = collector.assigned_today >= collector.daily_capacity
    starts = [
        shift.starts_at
        for shift in collector.shifts
        if shift.starts_at > now
        and collector.daily_capacity > 0
        and not (full and shift.starts_at.astimezone(now.tzinfo).date() == now.date())
    ]
    return min(starts, default=None)
