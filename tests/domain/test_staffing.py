"""One question for assignment, next work and start: who may do which work now, and why not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.collectors import Span
from domain.reasons import ReasonCode
from domain.staffing import (
    Absence,
    CallTerms,
    DayDone,
    Member,
    Needs,
    StaffingTerms,
    why_may_not_start,
    why_not_this_work,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEEDS = Needs("hardship", "hardship", minutes=8)
FIT = Member(
    staff="c-1",
    trained_on=date(2025, 9, 1),
    left_on=None,
    shifts=(Span(NOW - HOUR, NOW + HOUR),),
    skills=frozenset({"hardship"}),
    certificates={"hardship": NOW.date()},
    day=DayDone(pieces=9, minutes=72, pieces_a_day=10, minutes_a_day=80),
)
_C = ReasonCode


def test_whoever_is_fit_may_start_and_on_the_last_day_of_a_certificate_too() -> None:
    assert why_may_not_start(FIT, NOW, NEEDS) == ()


@pytest.mark.parametrize(
    ("unfit", "code"),
    [
        ({"left_on": NOW.date()}, _C.STAFF_LEFT),
        ({"trained_on": None}, _C.STAFF_NOT_TRAINED),
        ({"trained_on": date(2025, 3, 1)}, _C.STAFF_NOT_TRAINED),
        ({"absences": (Absence(NOW, None),)}, _C.STAFF_ABSENT),
        ({"shifts": ()}, _C.STAFF_OFF_SHIFT),
        ({"shifts": (Span(NOW - HOUR, NOW),)}, _C.STAFF_OFF_SHIFT),
        ({"must_not_handle": True}, _C.STAFF_MUST_NOT_HANDLE),
        ({"skills": frozenset({"early"})}, _C.STAFF_LACKS_SKILL),
        ({"certificates": {}}, _C.STAFF_NOT_CERTIFIED),
        ({"certificates": {"hardship": date(2026, 3, 1)}}, _C.STAFF_NOT_CERTIFIED),
        ({"day": DayDone(10, 0, 10)}, _C.DAY_IS_FULL),
        ({"day": DayDone(0, 0, 0)}, _C.DAY_IS_FULL),
        ({"day": DayDone(9, 73, 10, 80)}, _C.MINUTES_ARE_FULL),
    ],
)
def test_each_thing_that_is_missing_is_said(unfit: dict[str, object], code: ReasonCode) -> None:
    why = why_may_not_start(replace(FIT, **unfit), NOW, NEEDS)  # type: ignore[arg-type]
    assert [reason.code for reason in why] == [code]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60), st.integers(0, 60))
def test_no_day_is_filled_beyond_its_capacity_and_what_was_begun_may_be_repeated(
    done: int, most: int, minutes: int, longest: int
) -> None:
    member = replace(FIT, day=DayDone(done, minutes, most, longest))
    allowed = not why_not_this_work(member, NEEDS, NOW.date())
    assert allowed is (done + 1 <= most and minutes + NEEDS.minutes <= longest)
    assert why_not_this_work(member, replace(NEEDS, begun=True), NOW.date()) == ()


@pytest.mark.parametrize("until", [date(2026, 3, 1), date(2026, 3, 2), None])
def test_the_assignment_counts_the_same_skills(until: date | None) -> None:
    """What `skills_on` gives the assignment is what the start asks for."""
    terms = StaffingTerms(
        "t", 1, date.min, None, CallTerms(8, "hardship"), certificates={"hardship": "hardship"}
    )
    certificates = {"hardship": until} if until else {}
    member = replace(FIT, certificates=certificates)
    counts = "hardship" in terms.skills_on(NOW.date(), member.skills, certificates)
    may = not why_not_this_work(member, terms.needs_of("enquire", "enquiry_call"), NOW.date())
    assert counts is may
