"""Who takes a call, and why nobody does."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.collectors import Collector, NobodyFree, Span, choose_collector, is_trained, speaks
from domain.reasons import ReasonCode, because

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 10, tzinfo=ZONE)


def shift(day: int, first: int, last: int) -> Span:
    return Span(
        datetime(2026, 3, day, first, tzinfo=ZONE), datetime(2026, 3, day, last, tzinfo=ZONE)
    )


ON_SHIFT = Collector(
    id=1,
    languages=("zh-Hans",),
    trained_on=date(2026, 1, 5),
    daily_capacity=10,
    assigned_today=0,
    shifts=(shift(2, 8, 20),),
)


def chosen(*collectors: Collector) -> int:
    choice = choose_collector(collectors, "zh-Hans", NOW)
    assert isinstance(choice, Collector)
    return choice.id


def refused(*collectors: Collector, language: str = "zh-Hans") -> NobodyFree:
    choice = choose_collector(collectors, language, NOW)
    assert isinstance(choice, NobodyFree)
    return choice


def test_the_smallest_share_of_the_day_wins_rather_than_the_fewest_calls() -> None:
    half_time = replace(ON_SHIFT, id=1, daily_capacity=4, assigned_today=2)
    full_time = replace(ON_SHIFT, id=2, daily_capacity=10, assigned_today=4)
    assert chosen(half_time, full_time) == 2


def test_equal_shares_go_to_the_fewest_calls_and_then_to_the_lowest_id() -> None:
    small = replace(ON_SHIFT, id=3, daily_capacity=4, assigned_today=2)
    large = replace(ON_SHIFT, id=2, daily_capacity=8, assigned_today=4)
    assert chosen(large, small) == 3
    assert chosen(replace(large, id=9), large) == 2


def test_an_empty_roster_says_so() -> None:
    assert refused() == NobodyFree(because(ReasonCode.NO_CALLERS))


def test_nobody_speaks_the_language() -> None:
    assert refused(ON_SHIFT, language="en") == NobodyFree(
        because(ReasonCode.NO_CALLER_SPEAKS, language="en")
    )


def test_training_that_ran_out_counts_as_none() -> None:
    lapsed = replace(ON_SHIFT, trained_on=date(2025, 3, 1))
    never = replace(ON_SHIFT, trained_on=None)
    nobody = refused(lapsed, never)
    assert nobody.reason == because(ReasonCode.NO_CALLER_TRAINED, language="zh-Hans")


def test_off_shift_waits_for_the_next_shift_of_somebody_who_speaks_the_language() -> None:
    tomorrow = replace(ON_SHIFT, shifts=(shift(3, 8, 20),))
    sooner = replace(ON_SHIFT, languages=("en",), shifts=(shift(2, 12, 20),))
    nobody = refused(tomorrow, sooner)
    assert nobody.reason == because(ReasonCode.NO_CALLER_ON_SHIFT, language="zh-Hans")
    assert nobody.try_again_at == shift(3, 8, 20).starts_at


def test_full_days_wait_for_a_later_shift_of_today_or_for_tomorrow() -> None:
    full = replace(ON_SHIFT, assigned_today=10, shifts=(shift(2, 8, 20), shift(3, 8, 20)))
    nobody = refused(full)
    assert nobody.reason == because(ReasonCode.CALLERS_FULL, language="zh-Hans")
    assert nobody.try_again_at == shift(3, 8, 20).starts_at
    afternoon = replace(ON_SHIFT, id=2, shifts=(shift(2, 14, 20),))
    assert refused(full, afternoon).try_again_at == shift(2, 14, 20).starts_at


def test_nobody_waits_for_somebody_who_has_left() -> None:
    gone = replace(ON_SHIFT, daily_capacity=0, shifts=(shift(2, 8, 20), shift(3, 8, 20)))
    assert refused(gone).try_again_at is None


def test_a_shift_ends_with_its_last_moment() -> None:
    assert refused(replace(ON_SHIFT, shifts=(shift(2, 8, 10),))).try_again_at is None
    assert chosen(replace(ON_SHIFT, shifts=(shift(2, 10, 11),))) == 1


@pytest.mark.parametrize(
    ("own", "language", "served"),
    [
        ("en", "en", True),
        ("en", "en-GB", True),
        ("en-GB", "en", False),
        ("zh-Hant", "zh-Hans", False),
        ("e", "en", False),
    ],
)
def test_a_language_serves_its_varieties(own: str, language: str, served: bool) -> None:
    assert speaks((own,), language) is served


def test_training_counts_from_its_day_to_its_anniversary() -> None:
    trained_on = date(2024, 2, 29)
    assert not is_trained(trained_on, trained_on - timedelta(days=1))
    assert is_trained(trained_on, trained_on)
    assert is_trained(trained_on, date(2025, 2, 28))
    assert not is_trained(trained_on, date(2025, 3, 1))
