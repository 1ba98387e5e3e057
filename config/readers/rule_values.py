"""The values of rules in YAML: words of a vocabulary, hours of days, windows and periods."""

import re
from collections.abc import Callable, Iterable
from datetime import time
from functools import partial

from config.readers.yaml_reader import Value, W, as_shown
from domain.compliance.answer_period import Period, PeriodUnit
from domain.compliance.calendars import DayKind
from domain.compliance.contact_hours import Hours, overlapping
from domain.compliance.frequency_caps import LONGEST_WINDOW, CalendarUnit, ConsecutiveDays, Window
from domain.errors import text_of

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY, HOLIDAYS, CLOSED = "every_day", "holidays", "closed"
KINDS_OF_DAY = {
    "working_days": frozenset({DayKind.WORKING}),
    "rest_days": frozenset({DayKind.REST}),
}
ALL_DAYS = frozenset(range(len(WEEK)))
CLOCK = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")
CONSECUTIVE = re.compile(r"(\d{1,2}) consecutive days")
PERIOD = re.compile(r"([1-9]\d{0,3}) (hours?|days?|working days?|weeks?)")
CALENDAR = re.compile(r"calendar (day|week|month)")


def one_of(words: Iterable[W]) -> Callable[[Value], W]:
    """Reads one word of a closed vocabulary."""
    return partial(Value.word, words=words)


def some_of(words: Iterable[W]) -> Callable[[Value], frozenset[W]]:
    """Reads a list of words of a closed vocabulary."""
    return lambda value: frozenset(value.entries(one_of(words)))


def at_least(lowest: int) -> Callable[[Value], int]:
    """Reads a whole number."""
    return partial(Value.whole, at_least=lowest)


def read_hours(value: Value) -> tuple[Hours, ...]:
    """Hours such as `{mon-fri: "08:00-20:00", holidays: closed}`, each day at most once.

    Days are those of the week, or `working_days` and `rest_days` of the country's calendar.
    `holidays` are its public holidays; without that key they are days like others.
    """
    pairs = value.pairs()
    on_holidays = pairs.pop(HOLIDAYS, None)
    apart = frozenset(DayKind) - ({DayKind.HOLIDAY} if on_holidays else set())
    hours: list[Hours] = []
    for days, clock in pairs.items():
        kinds = KINDS_OF_DAY.get(days)
        weekdays = ALL_DAYS if kinds else _read_weekdays(days, clock)
        hours.append(Hours(weekdays, *_read_clock(clock), kinds or apart))
        if overlapping(hours):
            raise clock.refuse(
                "{days} has a day that a line above has too.",
                "Name each day of the week once.",
                days=as_shown(days),
            )
    if not hours:
        raise value.refuse("`hours` names no day.", 'Write hours: {every_day: "08:00-21:00"}.')
    if on_holidays and on_holidays.text() != CLOSED:
        clock_on_holidays = _read_clock(on_holidays)
        hours.append(Hours(ALL_DAYS, *clock_on_holidays, frozenset({DayKind.HOLIDAY})))
    return tuple(hours)


def _read_weekdays(days: str, value: Value) -> frozenset[int]:
    if days == EVERY_DAY:
        return ALL_DAYS
    first, _, last = days.partition("-")
    last = last or first
    if first not in WEEK or last not in WEEK or WEEK.index(last) < WEEK.index(first):
        raise value.refuse(
            "{days} is not days of the week.",
            "Write every_day, a day such as sat, or days in order such as mon-fri.",
            days=as_shown(days),
        )
    return frozenset(range(WEEK.index(first), WEEK.index(last) + 1))


def _read_clock(value: Value) -> tuple[time, time]:
    """From and until, in local time; 24:00 is the midnight that ends the day."""
    instead = "Write from and until on one day, such as 08:00-22:00 or 09:00-24:00."
    opens, closes = value.matching(CLOCK, instead).groups()
    try:
        start = time.fromisoformat(opens)
        end = time.max if closes == "24:00" else time.fromisoformat(closes)
    except ValueError:
        raise value.wrong(instead) from None
    if end <= start:
        raise value.refuse(
            "`{key}` is {shown}, which ends before it begins.",
            instead,
            key=value.key,
            shown=value.shown,
        )
    return start, end


def read_window(value: Value) -> Window:
    """A window such as `calendar week` or `7 consecutive days`."""
    if match := CALENDAR.fullmatch(value.text()):
        return CalendarUnit(match[1])
    instead = text_of(
        "Write calendar day, calendar week, calendar month, or so many consecutive days up to "
        "{longest}, such as 7 consecutive days.",
        longest=LONGEST_WINDOW,
    )
    days = int(value.matching(CONSECUTIVE, instead)[1])
    if not 1 <= days <= LONGEST_WINDOW:
        raise value.wrong(instead)
    return ConsecutiveDays(days)


def read_period(value: Value) -> Period:
    """A period such as `24 hours`, `15 days`, `3 working days` or `8 weeks`."""
    instead = "Write so many hours, days, working days or weeks, such as 15 days."
    count, unit = value.matching(PERIOD, instead).groups()
    return Period(int(count), PeriodUnit(unit.removesuffix("s") + "s"))
