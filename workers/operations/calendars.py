"""Calendars that end soon: some countries announce the days off of one year at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from config.readers.policy import Policy
from domain.compliance.calendars import Calendar
from domain.compliance.contact_hours import ContactHours
from domain.ladder import DueOnRestDay
from domain.reasons import ReasonCode, Reasons, because

WARN_BEFORE = timedelta(days=60)
"""How long before its last known day a calendar is warned about."""
PACKAGE = "holidays"
"""The Python package that calendars are read from."""


@dataclass(frozen=True, slots=True)
class EndingCalendar:
    """A calendar that must be updated, with what depends on it."""

    country: str
    """ISO 3166-1."""
    known_until: date
    detail: Reasons
    """What happens behind that day, and what must be done."""


def ending_calendars(policy: Policy, today: date) -> tuple[EndingCalendar, ...]:
    """The calendars in use that are known for less than `WARN_BEFORE` from `today`, by country."""
    users: dict[tuple[str, date], list[str]] = {}
    for calendar, user in _in_use(policy, today):
        if calendar.known_until and calendar.known_until - today < WARN_BEFORE:
            users.setdefault((calendar.country, calendar.known_until), []).append(user)
    return tuple(
        EndingCalendar(
            country,
            known_until,
            because(
                ReasonCode.CALENDAR_TO_UPDATE,
                country=country,
                known_until=known_until,
                used_by=sorted(used_by),
                package=PACKAGE,
            ),
        )
        for (country, known_until), used_by in sorted(users.items())
    )


def _in_use(policy: Policy, today: date) -> Iterable[tuple[Calendar, str]]:
    """Each calendar with a ladder or a rule that asks it, if that may still be in force."""
    for ladder in policy.ladders:
        asks = ladder.due_on_rest_day is DueOnRestDay.NEXT_WORKING_DAY
        if asks and (ladder.effective_to is None or ladder.effective_to >= today):
            yield ladder.calendar, ladder.name
    for pack in policy.rule_packs:
        for rule in pack.rules:
            asks = isinstance(rule, ContactHours) and rule.needs_calendar
            if asks and (rule.effective_to is None or rule.effective_to >= today):
                yield pack.calendar, rule.id
