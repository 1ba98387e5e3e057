"""Holds pause the ladder, and no day is counted twice."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.holds import Hold, HoldKind, active_hold, days_held, resumes_on
from tests.domain.examples import DUE


def hold(first: int, end: int | None, kind: HoldKind = HoldKind.PROMISE) -> Hold:
    """A hold from one day past due up to, not including, another."""
    return Hold(kind, _day(first), None if end is None else _day(end))


def _day(days_past_due: int) -> date:
    return DUE + timedelta(days=days_past_due)


@pytest.mark.parametrize(
    ("case", "holds", "held_on_day_20"),
    [
        ("no hold", [], 0),
        ("one that is over", [hold(5, 8)], 3),
        ("one that runs", [hold(15, 30)], 5),
        ("one without an end", [hold(15, None)], 5),
        ("one that begins today", [hold(20, 25)], 0),
        ("one to come", [hold(22, 25)], 0),
        ("one from before the arrears began", [hold(-10, 4)], 4),
        ("one that was over before the arrears began", [hold(-10, -2)], 0),
        ("two apart", [hold(2, 4), hold(10, 13)], 5),
        ("two that touch", [hold(2, 4), hold(4, 6)], 4),
        ("two that overlap", [hold(2, 8), hold(5, 10)], 8),
        ("one within another", [hold(2, 12), hold(5, 6)], 10),
        ("one that ends when it begins", [hold(5, 5)], 0),
    ],
)
def test_days_held_count_each_day_once(case: str, holds: list[Hold], held_on_day_20: int) -> None:
    assert days_held(holds, DUE, _day(20)) == held_on_day_20, case


def test_the_hold_that_lasts_longest_is_the_one_named() -> None:
    short, long, endless = hold(1, 5), hold(2, 9), hold(3, None)
    assert active_hold([short, long], _day(4)) is long
    assert active_hold([short, endless, long], _day(4)) is endless


def test_a_hold_covers_its_first_day_and_not_the_day_it_ends() -> None:
    one = hold(5, 8)
    covered = [day for day in range(10) if active_hold([one], _day(day))]
    assert covered == [5, 6, 7]


def test_the_ladder_resumes_when_the_last_of_a_chain_of_holds_has_ended() -> None:
    chain = [hold(8, 12), hold(5, 9), hold(12, 14)]
    assert resumes_on(chain, _day(6)) == _day(14)


def test_nothing_resumes_while_a_hold_has_no_end() -> None:
    assert resumes_on([hold(5, 9), hold(8, None)], _day(6)) is None


def test_without_a_hold_the_ladder_resumes_today() -> None:
    assert resumes_on([hold(5, 9)], _day(9)) == _day(9)


days = st.integers(-20, 40)
many_holds = st.lists(
    st.builds(hold, days, st.one_of(st.none(), days), st.sampled_from(HoldKind)), max_size=6
)


@given(holds=many_holds, on=st.integers(0, 40))
def test_days_held_agree_with_counting_day_by_day(holds: list[Hold], on: int) -> None:
    counted = sum(1 for day in range(on) if any(each_hold.covers(_day(day)) for each_hold in holds))
    assert days_held(holds, DUE, _day(on)) == counted


@given(holds=many_holds, on=days)
def test_the_ladder_resumes_on_the_first_free_day_from_today(holds: list[Hold], on: int) -> None:
    free = (
        day for day in range(on, 62) if not any(each_hold.covers(_day(day)) for each_hold in holds)
    )
    expected = next(free, None)
    assert resumes_on(holds, _day(on)) == (None if expected is None else _day(expected))


@pytest.mark.parametrize(
    ("case", "before", "released", "after"),
    [
        ("one without an end", hold(5, None), 8, hold(5, 8)),
        ("one that would last longer", hold(5, 20), 8, hold(5, 8)),
        ("one that is over by then", hold(5, 8), 10, hold(5, 8)),
        ("one that has not begun", hold(5, 8), 3, hold(5, 5)),
    ],
)
def test_a_release_never_makes_a_hold_longer(
    case: str, before: Hold, released: int, after: Hold
) -> None:
    assert before.released_on(_day(released)) == after, case
