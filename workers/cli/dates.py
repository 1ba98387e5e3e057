"""Days, moments and hours of the week as arguments of commands: one format for all of them."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer

from domain.errors import ArrearsError
from domain.inconvenient import InconvenientTime
from domain.written_numbers import EARLIEST_DAY, LATEST_DAY, in_range, plain_digits
from workers.cli.language import say

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_day(written: str) -> date:
    """The day, for an option with this parser.

    Raises:
        BadParameter: it is not a date from 1970 to 2199, or not written like 2026-03-01.
    """
    try:
        if not _WRITTEN.fullmatch(plain := plain_digits(written)):
            raise ValueError
        day = date.fromisoformat(plain)
    except ValueError:
        raise typer.BadParameter(
            say(
                "{written!r} is not a day of the calendar; write it as 2026-03-01.",
                written=written,
            )
        ) from None
    if not in_range(day):
        raise typer.BadParameter(
            say(
                "{written} is out of range. Write a day from {earliest} to {latest}.",
                written=written,
                earliest=EARLIEST_DAY,
                latest=LATEST_DAY,
            )
        )
    return day


def refuse_future_day(day: date, today: date, what: str) -> None:
    """Refuse a day in the future, for an event that has happened.

    Raises:
        ArrearsError: `day` is after `today`.
    """
    if day > today:
        raise ArrearsError(
            say(
                "{day} is still to come: today is {today}. Correct {what}.",
                day=day,
                today=today,
                what=what,
            )
        )


def parse_moment(written: str, lender_zone: ZoneInfo, *, whole_day: bool = False) -> datetime:
    """A moment as it was typed, in the lender's zone where it names none.

    A day without a time is the end of that day with `whole_day`, and is refused without.

    Raises:
        ArrearsError: it is not one, or not from 1970 to 2199.
    """
    plain = plain_digits(written)
    if _WRITTEN.fullmatch(plain):
        if not whole_day:
            raise ArrearsError(
                say('{written} has no time. Write one, as "{written} 12:00".', written=written)
            )
        plain = f"{plain} 23:59:59.999999"
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise ArrearsError(
            say(
                "{written!r} is not a moment. Write it in the lender's time, as \"2026-03-01 "
                '21:30".',
                written=written,
            )
        ) from None
    if not in_range(moment):
        raise ArrearsError(
            say(
                "{written} is out of range. Write a day from {earliest} to {latest}.",
                written=written,
                earliest=EARLIEST_DAY,
                latest=LATEST_DAY,
            )
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=lender_zone)


def parse_inconvenient_time(written: str) -> dict[str, Any]:
    """Days of the week and hours as they were typed, in the form in which an event has them.

    Raises:
        ArrearsError: it is not written so.
    """
    try:
        return InconvenientTime.parse(written).stored
    except ValueError:
        raise ArrearsError(
            say(
                "{written!r} is no time of the week. Write a day, days in order or "
                'every_day, and hours of the person, as "sun", "mon-fri 09:00-17:00" or '
                '"every_day 22:00-06:00".',
                written=written,
            )
        ) from None
