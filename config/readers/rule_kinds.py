"""The kinds of rule that a pack may hold, and what each kind says in YAML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any

from config.readers.yaml_reader import Section, Value
from domain.compliance.calendars import Calendar, DayKind
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours, Hours, overlapping
from domain.compliance.frequency_caps import (
    LONGEST_WINDOW,
    CalendarUnit,
    Cap,
    ConsecutiveDays,
    Counter,
    Scope,
    Window,
)
from domain.compliance.hold_length import HoldFrom, HoldLength
from domain.compliance.limitation import Limitation
from domain.compliance.message_content import MessageContent
from domain.compliance.retention import RetainedKind, Retention
from domain.compliance.rules import Rule
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.compliance.vocabulary import Channel, Party, Says
from domain.holds import HoldKind

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY, HOLIDAYS, CLOSED = "every_day", "holidays", "closed"
KINDS_OF_DAY = {
    "working_days": frozenset({DayKind.WORKING}),
    "rest_days": frozenset({DayKind.REST}),
}
ALL_DAYS = frozenset(range(len(WEEK)))
CLOCK = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")
CONSECUTIVE = re.compile(r"(\d{1,2}) consecutive days")
CALENDAR = re.compile(r"calendar (day|week|month)")


class Unreachable(StrEnum):
    """When anybody but the borrower may be contacted."""

    NEVER = "never"
    BORROWER_UNREACHABLE = "borrower_unreachable"


@dataclass(frozen=True, slots=True)
class RuleKind:
    """One kind of rule: its own keys, and how they become the rule's own values."""

    rule_type: type[Rule]
    keys: tuple[str, ...]
    read: Callable[[Section, Calendar], dict[str, Any]]


def _hours(section: Section, calendar: Calendar) -> dict[str, Any]:
    return {"hours": read_hours(section.need("hours")), "calendar": calendar}


def _cap(section: Section, calendar: Calendar) -> dict[str, Any]:
    counts = section.maybe("counts") or section.need("channels")
    return {
        "counts": frozenset(entry.word(Channel) for entry in counts.values()),
        "counter": section.need("counter").word(Counter),
        "scope": section.need("scope").word(Scope),
        "window": _read_window(section.need("window")),
        "at_most": section.need("at_most").whole(at_least=1),
    }


def _message(section: Section, calendar: Calendar) -> dict[str, Any]:
    must, must_not = section.maybe("must_say"), section.maybe("must_not_say")
    if must is None and must_not is None:
        raise section.place.refuse(
            "The rule says nothing of the message.", "Write must_say: or must_not_say:."
        )
    to = section.maybe("to")
    return {
        "must_say": frozenset(one.word(Says) for one in must.values()) if must else frozenset(),
        "must_not_say": (
            frozenset(one.word(Says) for one in must_not.values()) if must_not else frozenset()
        ),
        "to": to.word(Party) if to else None,
    }


def _visit(section: Section, calendar: Calendar) -> dict[str, Any]:
    staff, notice = section.maybe("staff"), section.maybe("notice_days")
    return {
        "staff": staff.whole(at_least=1) if staff else 1,
        "notice_days": notice.whole(at_least=0) if notice else 0,
    }


def _third_parties(section: Section, calendar: Calendar) -> dict[str, Any]:
    when = section.need("when").word(Unreachable)
    if when is Unreachable.NEVER:
        return {}
    return {"when_unreachable": True, "failures": section.need("failures").whole(at_least=1)}


def _hold_length(section: Section, calendar: Calendar) -> dict[str, Any]:
    return {
        "hold": section.need("hold").word(HoldKind),
        "days": section.need("days").whole(at_least=1),
        "after_release": section.need("from").word(HoldFrom) is HoldFrom.RELEASE,
    }


def _retention(section: Section, calendar: Calendar) -> dict[str, Any]:
    return {
        "of": section.need("of").word(RetainedKind),
        "years": section.need("years").whole(at_least=1),
    }


KINDS = {
    "contact_hours": RuleKind(ContactHours, ("hours",), _hours),
    "cap": RuleKind(Cap, ("counts", "counter", "scope", "window", "at_most"), _cap),
    "message": RuleKind(MessageContent, ("must_say", "must_not_say", "to"), _message),
    "visit": RuleKind(VisitDuty, ("staff", "notice_days"), _visit),
    "validation_notice": RuleKind(
        ValidationNotice,
        ("within_days",),
        lambda section, _: {"within_days": section.need("within_days").whole(at_least=0)},
    ),
    "third_parties": RuleKind(ThirdPartyContact, ("when", "failures"), _third_parties),
    "limitation": RuleKind(
        Limitation,
        ("years",),
        lambda section, _: {"years": section.need("years").whole(at_least=1)},
    ),
    "conduct": RuleKind(
        Conduct, ("text",), lambda section, _: {"text": section.need("text").text()}
    ),
    "hold_length": RuleKind(HoldLength, ("hold", "days", "from"), _hold_length),
    "retention": RuleKind(Retention, ("of", "years"), _retention),
}


def subject(rule: Rule) -> tuple[object, ...]:
    """What a rule is about, apart from channels and dates: two about the same thing contradict."""
    about: tuple[str, ...] = {
        Cap: ("counts", "counter", "scope", "window"),
        MessageContent: ("to", "must_say", "must_not_say"),
        Conduct: ("text",),
        Retention: ("of",),
        HoldLength: ("hold",),
    }.get(type(rule), ())
    return (type(rule), rule.at_work, *(getattr(rule, name) for name in about))


def read_hours(value: Value) -> tuple[Hours, ...]:
    """Hours such as `{mon-fri: "08:00-20:00", holidays: closed}`, each day at most once.

    Days are those of the week, or `working_days` and `rest_days` of the country's calendar.
    `holidays` are its public holidays; left out, they are days like others.
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
                f"`{days}` has a day that a line above has too.", "Name each day of the week once."
            )
    if not hours:
        raise value.refuse("`hours` names no day.", 'Write hours: {every_day: "08:00-21:00"}.')
    if on_holidays and on_holidays.text() != CLOSED:
        clock_on_holidays = _read_clock(on_holidays)
        hours.append(Hours(ALL_DAYS, *clock_on_holidays, frozenset({DayKind.HOLIDAY})))
    return tuple(hours)


def _read_weekdays(days: str, place: Value) -> frozenset[int]:
    if days == EVERY_DAY:
        return ALL_DAYS
    first, _, last = days.partition("-")
    last = last or first
    if first not in WEEK or last not in WEEK or WEEK.index(last) < WEEK.index(first):
        raise place.refuse(
            f"`{days}` is not days of the week.",
            "Write every_day, a day such as sat, or days in order such as mon-fri.",
        )
    return frozenset(range(WEEK.index(first), WEEK.index(last) + 1))


def _read_clock(value: Value) -> tuple[time, time]:
    """From and until, on the local clock; 24:00 is the midnight that ends the day."""
    instead = "Write from and until on one day, such as 08:00-22:00 or 09:00-24:00."
    text = value.text()
    match = CLOCK.fullmatch(text)
    if not match:
        raise value.refuse(f"`{value.key}` is {text}.", instead)
    try:
        start = time.fromisoformat(match[1])
        end = time.max if match[2] == "24:00" else time.fromisoformat(match[2])
    except ValueError:
        raise value.refuse(f"`{value.key}` is {text}.", instead) from None
    if end <= start:
        raise value.refuse(f"`{value.key}` is {text}, which ends before it begins.", instead)
    return start, end


def _read_window(value: Value) -> Window:
    text = value.text()
    if match := CALENDAR.fullmatch(text):
        return CalendarUnit(match[1])
    match = CONSECUTIVE.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= LONGEST_WINDOW:
        raise value.refuse(
            f"`{value.key}` is {text}.",
            f"Write calendar day, calendar week, calendar month, or so many consecutive days up to "
            f"{LONGEST_WINDOW}, such as 7 consecutive days.",
        )
    return ConsecutiveDays(int(match[1]))
