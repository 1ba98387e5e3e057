"""Hours of the week, holidays and days worked instead."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from domain.compliance.calendars import PLAIN_WEEK, Calendar, DayKind
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours, Hours, moment_of, overlapping
from domain.compliance.contact_rule import Blocked
from domain.compliance.rules import Confidence, Source
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, because

WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
FESTIVAL = Calendar(
    holidays=frozenset({date(2026, 2, 17), date(2026, 2, 18)}),
    worked=frozenset({date(2026, 2, 14)}),
)
FACTS = ContactFacts(
    past_due=Decimal(1), zones=("UTC",), lender_zone="UTC", packs=(), reachable=frozenset()
)


def rule(*hours: Hours, calendar: Calendar = PLAIN_WEEK) -> ContactHours:
    return ContactHours(
        id="xx.hours",
        channels=frozenset({Channel.CALL}),
        source=Source("art. 1", Confidence.PRIMARY),
        effective_from=date(2020, 1, 1),
        hours=hours,
        calendar=calendar,
    )


def opens(hours: ContactHours, written: str, zone: str = "UTC") -> object:
    at = datetime.fromisoformat(written).replace(tzinfo=UTC)
    return hours.earliest_time(FACTS, Channel.CALL, zone, at)


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 2, 13), DayKind.WORKING),
        (date(2026, 2, 14), DayKind.WORKING),  # a Saturday that is worked
        (date(2026, 2, 15), DayKind.REST),
        (date(2026, 2, 17), DayKind.HOLIDAY),
        (date(2026, 2, 21), DayKind.REST),
    ],
)
def test_a_day_is_worked_rested_or_kept_as_the_calendar_says(day: date, kind: DayKind) -> None:
    assert FESTIVAL.kind_of(day) is kind


def test_of_two_shifts_of_a_day_the_next_one_opens() -> None:
    split = rule(Hours(WEEKDAYS, time(9), time(12)), Hours(WEEKDAYS, time(14), time(18)))
    assert opens(split, "2026-06-15 08:00") == utc("2026-06-15 09:00")
    assert opens(split, "2026-06-15 12:00") == utc("2026-06-15 14:00")
    assert opens(split, "2026-06-15 15:00") == utc("2026-06-15 15:00")
    assert opens(split, "2026-06-19 18:00") == utc("2026-06-22 09:00")


def test_hours_to_midnight_hold_to_its_last_microsecond() -> None:
    late = rule(Hours(frozenset(range(7)), time(8), time.max))
    assert opens(late, "2026-06-15 23:59:59.999999") == utc("2026-06-15 23:59:59.999999")
    assert opens(late, "2026-06-16 00:00") == utc("2026-06-16 08:00")


def test_hours_of_working_days_follow_the_calendar() -> None:
    working = Hours(frozenset(range(7)), time(9), time(18), frozenset({DayKind.WORKING}))
    bound = rule(working, calendar=FESTIVAL)
    assert opens(bound, "2026-02-14 12:00") == utc("2026-02-14 12:00")
    assert opens(bound, "2026-02-16 18:00") == utc("2026-02-19 09:00")


def test_hours_that_never_come_are_shut_and_say_so() -> None:
    never = rule(Hours(frozenset(), time(9), time(18)))
    assert opens(never, "2026-06-15 12:00") == Blocked(
        because(ReasonCode.NO_HOURS_AHEAD, citation="art. 1", days=35)
    )
    assert never.violation == because(ReasonCode.OUTSIDE_HOURS, citation="art. 1")


def test_a_run_of_holidays_as_long_as_the_search_is_waited_for() -> None:
    closed = frozenset(date.fromordinal(date(2026, 6, 15).toordinal() + n) for n in range(34))
    bound = rule(
        Hours(frozenset(range(7)), time(9), time(18), frozenset({DayKind.WORKING, DayKind.REST})),
        calendar=Calendar(holidays=closed),
    )
    assert opens(bound, "2026-06-15 12:00") == utc("2026-07-19 09:00")


def test_a_wall_clock_is_read_in_its_zone() -> None:
    assert moment_of(date(2026, 6, 15), time(8), "Asia/Shanghai") == utc("2026-06-15 00:00")
    assert moment_of(date(2026, 6, 15), time.max, "Asia/Shanghai") == utc("2026-06-15 16:00")


def test_hours_of_one_day_given_twice_are_found() -> None:
    week, sunday = Hours(WEEKDAYS, time(8), time(20)), Hours(frozenset({6}), time(9), time(12))
    friday = Hours(frozenset({4, 5}), time(10), time(11))
    assert overlapping([week, sunday]) is None
    assert overlapping([week, sunday, friday]) == (week, friday)
    holidays = Hours(WEEKDAYS, time(10), time(11), frozenset({DayKind.HOLIDAY}))
    others = Hours(WEEKDAYS, time(8), time(20), frozenset({DayKind.WORKING, DayKind.REST}))
    assert overlapping([others, holidays]) is None
