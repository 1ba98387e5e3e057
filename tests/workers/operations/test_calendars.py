"""Calendars that end: who is warned, how long before, and what the remedy is."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from config.readers.policy import Policy
from domain.language.speak import speak
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book, shipped_policy
from workers.operations.calendars import ending_calendars
from workers.operations.problems import read_problems


def known_until(policy: Policy, last: date) -> Policy:
    """The policy, with all calendars of ladders known until `last`."""
    ladders = (
        replace(each, calendar=replace(each.calendar, known_until=last)) for each in policy.ladders
    )
    return replace(policy, ladders=tuple(ladders))


@pytest.mark.parametrize(
    ("today", "warned"),
    [
        (date(2026, 11, 1), False),
        (date(2026, 11, 2), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 5), True),
    ],
)
def test_sixty_days_before_its_end_a_calendar_is_warned_about(today: date, warned: bool) -> None:
    policy = known_until(shipped_policy(), date(2026, 12, 31))
    found = ending_calendars(policy, today)
    assert [calendar.country for calendar in found] == (["CN"] if warned else [])
    for calendar in found:
        said = speak(calendar.detail)
        assert "known until 2026-12-31" in said
        assert "consumer_loan_cn v4" in said, "version 1 asks no calendar"
        assert "Install a newer version of the package holidays" in said
        assert "请安装新版本的软件包holidays" in speak(calendar.detail, "zh")


def test_contact_hours_that_ask_a_calendar_are_named_too() -> None:
    policy = shipped_policy()
    last = max(pack.calendar.known_until or date.min for pack in policy.rule_packs)
    (australian,) = (c for c in ending_calendars(policy, last) if c.country == "AU")
    assert "au.hours_at_work" in speak(australian.detail)
    assert "IN" not in {c.country for c in ending_calendars(policy, last)}, "its hours ask none"


def test_a_ladder_that_has_ended_needs_no_calendar() -> None:
    policy = known_until(shipped_policy(), date(2026, 12, 31))
    ended = tuple(replace(each, effective_to=date(2026, 11, 30)) for each in policy.ladders)
    assert ending_calendars(replace(policy, ladders=ended), date(2026, 12, 1)) == ()


def test_problems_and_check_say_what_is_to_be_done(
    engine: Engine, database_url: str, broker_url: str
) -> None:
    book = Book(engine, now="2026-12-01 10:00")
    with engine.connect() as connection:
        (calendar,) = read_problems(connection, book.ctx).calendars
    assert calendar.country == "CN"

    environment = an_environment(database_url, broker_url)
    today = Book(engine).ctx.policy
    expected = ending_calendars(today, date.today())
    for command in (("check",), ("problems", "list")):
        said = arrears(environment, *command).stdout
        assert ("newer version of the package" in " ".join(said.split())) == bool(expected)
