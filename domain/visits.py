"""When a visit can take place, and which two people make it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.collectors import Span, is_trained, speaks

SLOT_STARTS = (time(9), time(11), time(13), time(15), time(17))
"""Local times of the borrower."""
SLOT_LENGTH = timedelta(hours=2)
VISITORS = 2
"""How many people go. At least two: banking association's convention of 2026, art. 22
(secondary source)."""
NOTICE_DAYS = 3
"""Days between the written notice and the first day on which a visit may be."""
DAYS_AHEAD = 21
"""How many days from that day on are searched."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member of staff who makes visits."""

    id: int
    reference: str
    """The lender's own, such as the number on a staff card."""
    languages: tuple[str, ...]
    regions: tuple[str, ...]
    """The regions they visit; empty: all of them."""
    trained_on: date | None
    daily_capacity: int
    shifts: tuple[Span, ...] | None
    """Future shifts; None: no shifts are recorded for them, so they are always available."""
    visits: tuple[Span, ...]
    """The visits they are already assigned to."""
    absences: tuple[Span, ...] = ()
    minutes_a_day: int | None = None
    """None: only the number of visits is limited."""

    def serves(self, region: str | None) -> bool:
        return not self.regions or region in self.regions


def slots(zone: str, now: datetime) -> Iterator[Span]:
    """The slots of a borrower's local days, from the end of the notice onwards, earliest first."""
    local = ZoneInfo(zone)
    first = now.astimezone(local).date() + timedelta(days=NOTICE_DAYS)
    for ahead in range(DAYS_AHEAD):
        for start in SLOT_STARTS:
            starts_at = datetime.combine(first + timedelta(days=ahead), start, local)
            yield Span(starts_at, starts_at + SLOT_LENGTH)


def choose_visitors(
    visitors: Sequence[Visitor],
    slot: Span,
    region: str | None,
    language: str,
    minutes: int = 0,
) -> tuple[Visitor, Visitor] | None:
    """Two people who are free in the slot and go to the region, one of whom speaks the language.
    `minutes` is what each visit takes of a visitor's day, the way there included.

    At least two: banking association's convention of 2026, art. 22 (secondary source). Those with
    the fewest visits ahead are chosen first. None: there are no such two.
    """
    free = sorted(
        (
            visitor
            for visitor in visitors
            if visitor.serves(region) and is_free(visitor, slot, minutes)
        ),
        key=lambda visitor: (len(visitor.visits), visitor.id),
    )
    speaker = next((visitor for visitor in free if speaks(visitor.languages, language)), None)
    other = next((visitor for visitor in free if visitor is not speaker), None)
    return (speaker, other) if speaker and other else None


def nobody_speaks(visitors: Sequence[Visitor], region: str | None, language: str) -> bool:
    """Whether only the language is missing: two or more serve the region, and none speaks it."""
    serving = [visitor for visitor in visitors if visitor.serves(region)]
    return len(serving) > 1 and not any(speaks(visitor.languages, language) for visitor in serving)


def is_free(visitor: Visitor, slot: Span, minutes: int = 0) -> bool:
    """Trained, on shift if shifts are recorded, not absent, on no other visit, and below the daily
    capacity in visits and in minutes. The visit takes so many `minutes`."""
    day = slot.starts_at.date()
    zone = slot.starts_at.tzinfo
    that_day = [visit for visit in visitor.visits if visit.starts_at.astimezone(zone).date() == day]
    return (
        is_trained(visitor.trained_on, day)
        and (visitor.shifts is None or any(shift.covers(slot) for shift in visitor.shifts))
        and not any(visit.overlaps(slot) for visit in visitor.visits)
        and not any(away.overlaps(slot) for away in visitor.absences)
        and len(that_day) < visitor.daily_capacity
        and (
            visitor.minutes_a_day is None or (len(that_day) + 1) * minutes <= visitor.minutes_a_day
        )
    )


def is_noticed(printed_on: date | None, visit_on: date) -> bool:
    """Whether the notice of a visit was printed before its day, so that it can be there first. The
    lender's own rule; both are days in the lender's zone."""
    return printed_on is not None and printed_on < visit_on
