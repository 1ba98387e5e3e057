"""How often a call is tried, how far apart, and at which hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.call_plan import CallPlan, Hours, Until
from domain.contact_outcomes import MOST_SHOWN, SAME_AS, TALKED, ContactOutcome

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN = CallPlan(
    most=4,
    apart=timedelta(hours=20),
    until=Until.SPOKEN,
    hours=(Hours(8, 12), Hours(12, 17), Hours(17, 20)),
)


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=SHANGHAI)


def test_who_did_not_answer_in_the_morning_is_called_the_next_afternoon() -> None:
    morning = at("2026-03-09 09:30")
    assert PLAN.next_try([morning], SHANGHAI, morning) == at("2026-03-10 12:00")


def test_each_part_of_the_day_is_tried_before_one_comes_twice() -> None:
    made = [at("2026-03-09 09:30"), at("2026-03-10 12:10")]
    assert PLAN.next_try(made, SHANGHAI, made[-1]) == at("2026-03-11 17:00")
    made.append(at("2026-03-11 18:00"))
    assert PLAN.next_try(made, SHANGHAI, made[-1]) == at("2026-03-12 14:00")


def test_hours_are_those_of_the_person() -> None:
    made = [datetime(2026, 3, 9, 1, 30, tzinfo=UTC)]  # half past nine in Shanghai
    next_try = PLAN.next_try(made, SHANGHAI, made[0])
    assert next_try == at("2026-03-10 12:00")


def test_without_hours_only_the_distance_counts() -> None:
    plan = CallPlan(most=2, apart=timedelta(hours=3), until=Until.SPOKEN)
    first = at("2026-03-09 09:30")
    assert plan.next_try([first], SHANGHAI, first) == at("2026-03-09 12:30")


hours = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda h: h[0] < h[1])
plans = st.builds(
    CallPlan,
    most=st.integers(1, 8),
    apart=st.integers(1, 100).map(lambda n: timedelta(hours=n)),
    until=st.sampled_from(Until),
    hours=st.lists(hours.map(lambda h: Hours(*h)), max_size=4, unique=True).map(tuple),
)


@given(plans, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(0, 50))
def test_tries_never_exceed_the_plan_and_keep_their_distance_and_their_hours(
    plan: CallPlan, starts: datetime, late: int
) -> None:
    made: list[datetime] = []
    now = starts.replace(tzinfo=UTC)
    while (due_at := plan.next_try(made, SHANGHAI, now)) is not None:
        assert due_at >= now
        assert not made or due_at - made[-1] >= plan.apart
        local = due_at.astimezone(SHANGHAI)
        assert not plan.hours or any(local.hour in part for part in plan.hours)
        now = due_at + timedelta(hours=late if not plan.hours else 0)
        made.append(now)
        assert len(made) <= plan.most
    assert len(made) == plan.most


def test_every_outcome_says_whom_it_reached_and_whether_the_call_is_over() -> None:
    for outcome in ContactOutcome:
        assert not (outcome.with_borrower and outcome.with_other)
        assert outcome.connected or not outcome.with_borrower | outcome.with_other
        for until in (None, *Until):
            assert outcome.completes_action((), until, learnt=True) in (True, False)
        if outcome.completes_action(["reason"], Until.LEARNT):
            assert outcome.connected, "nobody who was not reached ends a plan"


def test_a_call_that_learns_the_reason_ends_without_it_only_where_all_contact_ends() -> None:
    """Whoever says that they paid, complains or disputes has not said why they are behind."""
    ends = {one for one in ContactOutcome if one.completes_action(["reason"], Until.LEARNT)}
    assert ends == {"stop_channel", "stop_all", "adviser", "insolvent", "prison", "deceased"}
    assert all(o.completes_action((), Until.LEARNT, learnt=True) for o in TALKED)


def test_other_names_stand_for_outcomes_on_record_and_are_none_themselves() -> None:
    names = {str(outcome) for outcome in ContactOutcome}
    assert not names & set(SAME_AS)
    assert {ContactOutcome(name) for name in SAME_AS} == set(SAME_AS.values())
    assert len(names) > MOST_SHOWN
