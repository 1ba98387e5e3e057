"""In which hours of a day a call may be lawful: what a plan needs, not what a contact rests on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.collectors import Span
from domain.compliance.contact_hours import ContactHours, moment_of
from domain.compliance.rules import RulePack, rules_in_force
from domain.compliance.vocabulary import Channel


def call_windows(
    packs: Sequence[RulePack], zones: Sequence[str], within: Span, product: str
) -> tuple[Span, ...]:
    """The hours within a span in which no rule about hours forbids a call about a product, in any
    of the zones.

    A rule that depends on more, such as the party, is left out, and so is a calendar that is not
    known: the gate is asked about each call again.
    """
    rules = [
        rule
        for rule in rules_in_force(packs, ContactHours, within.starts_at.date())
        if Channel.CALL in rule.channels
        and not (rule.applies_to or rule.place)
        and (not rule.products or product in rule.products)
    ]
    windows: tuple[Span, ...] = (within,)
    for rule in rules:
        for zone in zones:
            windows = _inside(windows, _hours(rule, zone, within))
    return windows


LOOKED_AHEAD = timedelta(days=14)


def next_call_at(
    packs: Sequence[RulePack], zones: Sequence[str], at: datetime, product: str
) -> datetime | None:
    """The first moment from `at` on, aware, at which no rule about hours forbids a call about a
    product in any of the zones; None if the next 14 days have none."""
    windows = call_windows(packs, zones, Span(at, at + LOOKED_AHEAD), product)
    return windows[0].starts_at if windows else None


def _hours(rule: ContactHours, zone: str, within: Span) -> list[Span]:
    day = within.starts_at.astimezone(ZoneInfo(zone)).date()
    last = within.ends_at.astimezone(ZoneInfo(zone)).date()
    spans = []
    while day <= last:
        if rule.needs_calendar and not rule.calendar.is_known(day):
            return [within]
        spans += [
            Span(moment_of(day, hours.start, zone), moment_of(day, hours.end, zone))
            for hours in rule.hours
            if hours.applies_on(day, rule.calendar)
        ]
        day += timedelta(days=1)
    return spans


def _inside(windows: Sequence[Span], allowed: Sequence[Span]) -> tuple[Span, ...]:
    """What lies in a window and in a span that is allowed."""
    found = [
        Span(max(window.starts_at, span.starts_at), min(window.ends_at, span.ends_at))
        for window in windows
        for span in allowed
        if window.overlaps(span)
    ]
    return tuple(sorted(found, key=_start))


def _start(span: Span) -> datetime:
    return span.starts_at
