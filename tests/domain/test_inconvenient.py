"""Times that a person called inconvenient: when each begins, and when it is over."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.compliance.vocabulary import Channel
from domain.inconvenient import InconvenientTime

NEW_YORK = "America/New_York"


def local(written: str, *, fold: int = 0, zone: str = NEW_YORK) -> datetime:
    at = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return at.astimezone(UTC)


@pytest.mark.parametrize(
    ("time", "at", "over"),
    [
        ("sun", "2026-06-14 00:00", "2026-06-15 00:00"),
        ("sun", "2026-06-14 23:59", "2026-06-15 00:00"),
        ("sun", "2026-06-15 00:00", None),
        ("sun", "2026-06-13 23:59", None),
        ("every_day 00:00-12:00", "2026-06-15 11:59", "2026-06-15 12:00"),
        ("every_day 00:00-12:00", "2026-06-15 12:00", None),
        ("mon-fri 09:00-17:00", "2026-06-12 09:00", "2026-06-12 17:00"),
        ("mon-fri 09:00-17:00", "2026-06-13 09:00", None),
        ("sat-mon 09:00-17:00", "2026-06-14 09:00", "2026-06-14 17:00"),
        ("fri 22:00-06:00", "2026-06-12 22:00", "2026-06-13 06:00"),
        ("fri 22:00-06:00", "2026-06-13 05:59", "2026-06-13 06:00"),
        ("fri 22:00-06:00", "2026-06-12 05:59", None),
        ("every_day 20:00-24:00", "2026-06-12 20:00", "2026-06-13 00:00"),
        ("sun 00:00-03:00", "2026-03-08 01:59", "2026-03-08 03:00"),
    ],
)
def test_a_time_lasts_until_its_end_on_the_persons_clock(
    time: str, at: str, over: str | None
) -> None:
    named = InconvenientTime.parse(time)
    assert named.over_at(local(at), NEW_YORK) == (over and local(over))


def test_an_hour_that_comes_twice_is_inconvenient_twice() -> None:
    named = InconvenientTime.parse("sun 00:00-01:30")
    assert named.over_at(local("2026-11-01 01:10"), NEW_YORK) == local("2026-11-01 01:30")
    again = local("2026-11-01 01:10", fold=1)
    assert named.over_at(again, NEW_YORK) == local("2026-11-01 01:30", fold=1)


def test_it_is_over_at_its_own_end() -> None:
    until = local("2026-06-14 15:00")
    named = InconvenientTime(*_parsed("sun"), until=until)
    assert named.over_at(local("2026-06-14 12:00"), NEW_YORK) == until
    assert named.over_at(until, NEW_YORK) is None


@pytest.mark.parametrize(
    ("time", "since", "until", "begins"),
    [
        ("fri 10:01-10:14", "2026-06-12 09:00", "2026-06-12 11:00", ["2026-06-12 10:01"]),
        ("mon 10:01-10:14", "2026-06-12 09:00", "2026-06-12 11:00", []),
        ("fri 09:00-10:14", "2026-06-12 09:00", "2026-06-12 11:00", []),
        ("fri 11:00-12:00", "2026-06-12 09:00", "2026-06-12 11:00", []),
        ("sat", "2026-06-12 23:00", "2026-06-13 01:00", ["2026-06-13 00:00"]),
    ],
)
def test_it_begins_on_the_persons_clock(
    time: str, since: str, until: str, begins: list[str]
) -> None:
    named = InconvenientTime.parse(time)
    found = list(named.begins(local(since), local(until), NEW_YORK))
    assert found == [local(begin) for begin in begins]


def test_an_hour_that_comes_twice_begins_twice() -> None:
    named = InconvenientTime.parse("sun 01:10-01:30")
    found = named.begins(local("2026-11-01 00:00"), local("2026-11-01 03:00"), NEW_YORK)
    assert sorted(found) == [local("2026-11-01 01:10"), local("2026-11-01 01:10", fold=1)]


def test_it_may_be_about_one_channel() -> None:
    calls = InconvenientTime(*_parsed("sun"), channel=Channel.CALL)
    assert (calls.stops(Channel.CALL), calls.stops(Channel.SMS)) == (True, False)


def _parsed(text: str) -> tuple:  # type: ignore[type-arg]
    named = InconvenientTime.parse(text)
    return named.days, named.starts, named.ends


@pytest.mark.parametrize(
    ("text", "days", "hours"),
    [
        ("Sun", ["sun"], ("00:00", "24:00")),
        ("every_day 22:00-06:00", ["every_day"], ("22:00", "06:00")),
        ("sat-mon", ["mon", "sat", "sun"], ("00:00", "24:00")),
    ],
)
def test_it_is_shown_as_it_was_written(text: str, days: list[str], hours: tuple[str, str]) -> None:
    named = InconvenientTime.parse(text)
    assert (named.written_days, named.written_hours) == (days, hours)


@pytest.mark.parametrize(
    "text", ["", "sunday", "busy now", "sun 9-12", "sun 25:00-26:00", "mon-xyz", "24:00-12:00"]
)
def test_what_is_not_a_time_of_the_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of the week"):
        InconvenientTime.parse(text)
