"""Which calls are heard again follows from a seed; a result says how sure it is."""

from dataclasses import replace
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quality import (
    RANDOM,
    JudgedCall,
    Mark,
    RecordedCall,
    Risk,
    Sampling,
    ScoreSheet,
    SheetItem,
    draw,
    judge,
    next_period,
    result_of,
    wilson,
)

SAMPLING = Sampling(random=2, of_each_risk=1, late_from=time(19), first_days=30)
SHEET = ScoreSheet(
    id="calls",
    version=1,
    effective_from=date(2026, 1, 1),
    effective_to=None,
    jurisdictions=("CN",),
    pass_at=80,
    sampling=SAMPLING,
    items=(
        SheetItem("who", ("cn.no_false_authority",), "Says who.", "报明身份。"),
        SheetItem("asks", ("cn.no_harassment",), "Asks.", "询问。", weight=3),
        SheetItem("true", ("cn.after_limitation",), "Is true.", "属实。", weight=2),
    ),
    source="a test",
)

CALLS = st.lists(
    st.builds(
        RecordedCall,
        contact_id=st.integers(1, 10_000),
        reference=st.uuids().map(str),
        collector=st.sampled_from(["c-1", "c-2", "c-3"]),
        risks=st.frozensets(st.sampled_from(Risk), max_size=3),
    ),
    max_size=40,
    unique_by=lambda call: call.reference,
)


@given(calls=CALLS, data=st.data())
def test_the_same_calls_are_drawn_in_whatever_order_they_come(
    calls: list[RecordedCall], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(calls))
    assert draw(calls, SAMPLING, "March") == draw(mixed, SAMPLING, "March")


@given(calls=CALLS)
def test_each_collector_has_their_random_calls_and_some_of_each_risk(
    calls: list[RecordedCall],
) -> None:
    drawn = draw(calls, SAMPLING, "March")

    assert len({each.call.reference for each in drawn}) == len(drawn), "none twice"
    for collector in {call.collector for call in calls}:
        own = [call for call in calls if call.collector == collector]
        of_them = [each for each in drawn if each.call.collector == collector]
        at_random = [each for each in of_them if each.because == (RANDOM,)]
        assert len(at_random) == min(SAMPLING.random, len(own))
        for risk in Risk:
            left = [c for c in own if risk in c.risks and c not in [x.call for x in at_random]]
            picked = [each for each in of_them if risk in each.because]
            assert len(picked) == min(SAMPLING.of_each_risk, len(left))
            assert all(risk in each.call.risks for each in picked)


@given(calls=CALLS, others=CALLS)
def test_who_else_made_calls_makes_no_difference(
    calls: list[RecordedCall], others: list[RecordedCall]
) -> None:
    elsewhere = [replace(call, collector=f"x-{call.collector}") for call in others]
    own = {call.reference for call in calls}
    both = draw([*calls, *(c for c in elsewhere if c.reference not in own)], SAMPLING, "March")
    assert [each for each in both if not each.call.collector.startswith("x-")] == draw(
        calls, SAMPLING, "March"
    )


def test_another_period_draws_other_calls() -> None:
    calls = [RecordedCall(n, f"R-{n}", "c-1") for n in range(200)]
    first, second = (draw(calls, SAMPLING, seed) for seed in ("March", "April"))
    assert {each.call for each in first} != {each.call for each in second}


@pytest.mark.parametrize(
    ("marks", "score", "passed"),
    [
        ("pass pass pass", 100, True),
        ("pass part pass", 70, False),
        ("pass pass part", 80, True),
        ("fail pass pass", 100, False),
        ("pass pass not_applicable", 100, True),
        ("pass not_applicable not_applicable", None, True),
        ("not_applicable fail fail", 0, False),
    ],
)
def test_a_call_is_judged_by_weights_and_fails_with_what_is_critical(
    marks: str, score: int | None, passed: bool
) -> None:
    given_marks = dict(zip(("who", "asks", "true"), map(Mark, marks.split()), strict=True))
    judged = judge(SHEET, given_marks)
    assert (judged.score, judged.passed) == (score, passed)
    assert [item.id for item in judged.failed] == [
        item for item, mark in given_marks.items() if mark is Mark.FAIL
    ]


@pytest.mark.parametrize(
    ("passed", "judged", "low", "high"),
    [(0, 0, 0, 100), (4, 4, 51, 100), (0, 4, 0, 49), (92, 100, 85, 96), (1, 2, 9, 91)],
)
def test_the_interval_is_that_of_wilson(passed: int, judged: int, low: int, high: int) -> None:
    interval = wilson(passed, judged)
    assert (interval.low, interval.high) == (low, high)


@given(judged=st.integers(1, 500), data=st.data())
def test_the_share_lies_in_its_interval_and_more_calls_make_it_narrower(
    judged: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, judged))
    interval, more = wilson(passed, judged), wilson(10 * passed, 10 * judged)
    assert interval.low <= round(100 * passed / judged) <= interval.high
    assert more.high - more.low <= interval.high - interval.low


def test_a_result_counts_calls_and_knows_no_money() -> None:
    judged = [JudgedCall(True, False, 3), JudgedCall(False, True)]
    result = result_of("c-1", "north", 120, judged)
    assert (result.calls, result.reviewed, result.passed, result.failed_critical) == (120, 2, 1, 1)
    assert (result.reviews, result.interval) == (4, wilson(1, 2)), "a call judged twice is one"


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (("2026-03-02", "2026-03-02"), ("2026-03-03", "2026-03-03")),
        (("2026-03-02", "2026-03-08"), ("2026-03-09", "2026-03-15")),
        (("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")),
        (("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-31")),
        (("2026-10-01", "2026-12-31"), ("2027-01-01", "2027-03-31")),
        (("2026-11-01", "2026-11-30"), ("2026-12-01", "2026-12-31")),
    ],
)
def test_a_sample_follows_the_one_before_and_is_as_long(
    before: tuple[str, str], then: tuple[str, str]
) -> None:
    first, last = map(date.fromisoformat, before)
    assert tuple(str(day) for day in next_period(first, last)) == then
