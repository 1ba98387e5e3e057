"""Random shifts, leaves and certificates: who may work is who is there, and nobody else."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.assignment import assign
from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span
from domain.staffing import (
    Absence,
    CallTerms,
    HandOn,
    Member,
    StaffingTerms,
    at_work,
    why_hand_on,
    why_may_not_start,
)

DAY = date(2026, 6, 15)
MIDNIGHT = datetime(2026, 6, 15, tzinfo=UTC)
QUARTERS = 96


def at(quarter: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=15 * quarter)


def span(first: int, length: int) -> Span:
    return Span(at(first), at(first + length))


quarters = st.integers(0, QUARTERS - 1)
spans = st.builds(span, st.integers(0, QUARTERS - 1), st.integers(1, 40))
absences = st.builds(
    lambda first, length: Absence(at(first), None if length == 0 else at(first + length)),
    quarters,
    st.integers(0, 30),
)
days = st.sampled_from(
    (None, date(2025, 6, 14), date(2025, 6, 15), date(2026, 1, 1), DAY, date(2026, 6, 16))
)
members = st.builds(
    Member,
    staff=st.just("c-1"),
    trained_on=days,
    left_on=days,
    shifts=st.none() | st.lists(spans, max_size=3).map(tuple),
    absences=st.lists(absences, max_size=3).map(tuple),
    must_not_handle=st.booleans(),
)


def is_there(member: Member, quarter: int) -> bool:
    """By the quarter of an hour, without any of the functions that are asked."""
    moment = at(quarter)
    away = any(
        a.starts_at <= moment and (not a.ends_at or moment < a.ends_at) for a in member.absences
    )
    on = member.shifts is None or any(s.starts_at <= moment < s.ends_at for s in member.shifts)
    return on and not away


def is_certified(member: Member) -> bool:
    trained, left = member.trained_on, member.left_on
    in_time = trained is not None and date(2025, 6, 15) <= trained <= DAY
    return in_time and (left is None or left > DAY)


@given(members, quarters)
def test_who_may_start_is_certified_there_and_not_barred(member: Member, quarter: int) -> None:
    may = is_certified(member) and is_there(member, quarter) and not member.must_not_handle
    assert (why_may_not_start(member, at(quarter)) == ()) is may


@given(members, quarters)
def test_work_is_handed_on_when_no_working_time_is_left(member: Member, quarter: int) -> None:
    why = why_hand_on(member, at(quarter), at(QUARTERS))
    left = member.shifts is None or any(is_there(member, q) for q in range(quarter, QUARTERS))
    assert (why is None) is (is_certified(member) and left)
    if why is HandOn.SHIFT_OVER:
        ahead = [shift for shift in member.shifts or () if shift.ends_at > at(quarter)]
        assert all(shift.starts_at >= at(QUARTERS) for shift in ahead)


TERMS = StaffingTerms(
    "terms", 1, date.min, None, CallTerms(5), certificates={"legal": "law", "visits": "street"}
)
certificates = st.dictionaries(
    st.sampled_from(("law", "street")), st.sampled_from((DAY - timedelta(days=1), DAY))
)
skills = st.frozensets(st.sampled_from(("early", "legal", "visits")))
calls = st.builds(
    PersonCall,
    person=st.integers(1, 12),
    windows=st.lists(spans, max_size=2).map(tuple),
    language=st.just("zh-Hans"),
    minutes=st.sampled_from((10, 15, 40)),
    value=st.decimals(0, 100, places=2),
    skill=st.sampled_from((None, "early", "legal")),
)


@given(
    st.lists(st.tuples(members, skills, certificates), min_size=1, max_size=4),
    st.lists(calls, max_size=12, unique_by=lambda call: call.person),
    quarters,
)
def test_nobody_is_given_a_call_that_they_cannot_make(
    roster: list[tuple[Member, frozenset[str], dict[str, date]]],
    wanted: list[PersonCall],
    quarter: int,
) -> None:
    """Of a roster with its leaves and certificates, as it is at a moment of the day."""
    callers = [
        Caller(
            id=nr,
            shifts=at_work(member.shifts or (), member.absences),
            breaks=(),
            languages=("zh-Hans",),
            skills=TERMS.skills_on(DAY, own, held),
            capacity=60,
            certified_until=DAY if is_certified(member) else None,
            must_not_handle=frozenset({1, 2} if member.must_not_handle else ()),
            most_calls=3,
        )
        for nr, (member, own, held) in enumerate(roster)
    ]
    found = assign(wanted, callers, DAY)
    by_person = {call.person: call for call in wanted}
    given_to = {nr: [each for each in found.given if each.collector == nr] for nr in range(4)}
    for nr, theirs in given_to.items():
        assert len(theirs) <= 3
        assert sum(by_person[each.person].minutes for each in theirs) <= 60
        for each in theirs:
            member, own, held = roster[nr]
            call = by_person[each.person]
            assert is_certified(member)
            assert not (member.must_not_handle and call.person in (1, 2))
            assert call.skill is None or call.skill in own
            assert call.skill != "legal" or held.get("law") == DAY
            lasts = (each.starts_at, each.starts_at + timedelta(minutes=call.minutes))
            assert any(w.starts_at <= lasts[0] and lasts[1] <= w.ends_at for w in call.windows)
            minute = lasts[0]
            while minute < lasts[1]:
                assert is_there(member, int((minute - MIDNIGHT).total_seconds() // 900))
                minute += timedelta(minutes=5)
