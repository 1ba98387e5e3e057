"""From which day the ladder counts: the day on which what is past due reached its minimum."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import ActionStatus
from domain.decision import Outcome, next_review
from domain.delinquency import arrears_on, ladder_start
from domain.holds import Hold, HoldKind
from tests.domain.examples import LoanOnRecord, ladder, on_day, owed, plan_of

JANUARY, FEBRUARY, MARCH, JUNE = (date(2026, month, 1) for month in (1, 2, 3, 6))
TEN = Decimal(10)


@pytest.mark.parametrize(
    ("unpaid", "since"),
    [
        ({JANUARY: "100"}, JANUARY),
        ({JANUARY: "1", JUNE: "100"}, JUNE),
        ({JANUARY: "9.99", JUNE: "0.01"}, JUNE),
        ({JANUARY: "10", JUNE: "100"}, JANUARY),
        ({JANUARY: "4", FEBRUARY: "7", JUNE: "100"}, FEBRUARY),
        ({JANUARY: "4", FEBRUARY: "5", MARCH: "0.99"}, None),
        ({}, None),
    ],
    ids=[
        "one instalment is missed",
        "a rest of 1.00 from January is not what June's ladder counts from",
        "the cent that reaches the minimum",
        "what is exactly the minimum counts from its own day",
        "small rests add up",
        "they add up to a cent too little",
        "nothing is unpaid",
    ],
)
def test_the_ladder_counts_from_the_day_on_which_the_minimum_was_reached(
    unpaid: dict[date, str], since: date | None
) -> None:
    schedule = [owed(due_on, amount=amount) for due_on, amount in unpaid.items()]
    assert ladder_start(schedule, date(2026, 6, 20), TEN) == since
    assert ladder_start(reversed(schedule), date(2026, 6, 20), TEN) == since


def test_what_falls_due_today_does_not_count_yet() -> None:
    schedule = [owed(JANUARY, amount="1"), owed(JUNE, amount="100")]
    assert ladder_start(schedule, JUNE, TEN) is None
    assert ladder_start(schedule, JUNE + timedelta(days=1), TEN) == JUNE


def test_days_past_due_stay_plain() -> None:
    loan = LoanOnRecord(
        ladder(minimum_amount="10"), owed(JANUARY, amount="1"), owed(JUNE, amount="100")
    )
    decision = loan.look(on_day((date(2026, 6, 2) - date(2026, 3, 1)).days))
    assert (decision.arrears.delinquent_since, decision.arrears.days_past_due) == (JANUARY, 152)
    assert (decision.ladder_since, decision.ladder_day) == (JUNE, 1)
    assert plan_of(decision) == ["text", "friendly_call"], "and not the court"


def test_paying_the_older_rest_begins_nothing_anew() -> None:
    rest, missed = owed(JANUARY, amount="1"), owed(JUNE, amount="100")
    loan = LoanOnRecord(ladder(minimum_amount="10"), rest, missed)
    day = (JUNE - date(2026, 3, 1)).days
    loan.look(on_day(day + 1))
    loan.get_done("text", "friendly_call")

    loan.instalments = (missed,)
    again = loan.look(on_day(day + 2))

    assert (again.outcome, again.plan, again.skip) == (Outcome.WAIT, (), ())
    assert again.ladder_since == JUNE
    assert {since for since, _ in loan.actions} == {JUNE}


def test_a_part_payment_that_leaves_less_than_the_minimum_ends_the_ladder() -> None:
    loan = LoanOnRecord(ladder(minimum_amount="10"), owed(MARCH, amount="100"), owed(JUNE))
    loan.look(on_day(1))
    loan.instalments = (owed(MARCH, amount="100", paid="95"), owed(JUNE))

    decision = loan.look(on_day(2))

    assert (decision.outcome, decision.ladder_since) == (Outcome.BELOW_MINIMUM, None)
    assert decision.review_on == JUNE + timedelta(days=1), "only June can add to it"
    assert loan.look(on_day((JUNE - MARCH).days + 1)).ladder_since == JUNE


class TestGrace:
    """Grace is counted in ladder days, like everything on the ladder."""

    def test_a_hold_in_the_days_of_grace_does_not_use_them_up(self) -> None:
        loan = LoanOnRecord(ladder(grace_days=2))
        loan.holds = (Hold(HoldKind.DISPUTE, date(2026, 3, 2), date(2026, 3, 12)),)
        first = loan.look(on_day(11))  # ten of these days were held
        assert (first.outcome, first.review_on) == (Outcome.IN_GRACE, date(2026, 3, 14))
        assert loan.look(on_day(12)).outcome is Outcome.IN_GRACE
        assert plan_of(loan.look(on_day(13))) == ["friendly_call"], "ladder day 3"

    def test_an_old_rest_does_not_use_them_up_either(self) -> None:
        rest = owed(JANUARY, amount="1")
        loan = LoanOnRecord(ladder(grace_days=2, minimum_amount="10"), rest, owed(MARCH))
        decision = loan.look(on_day(2))
        assert (decision.outcome, decision.arrears.days_past_due) == (Outcome.IN_GRACE, 61)
        assert decision.review_on == date(2026, 3, 4)
        assert loan.look(on_day(3)).outcome is Outcome.ACT


unpaid_parts = st.lists(
    st.tuples(st.dates(date(2026, 1, 1), date(2026, 6, 30)), st.integers(0, 3000)),
    max_size=8,
    unique_by=lambda due: due[0],
)


@given(unpaid_parts, st.integers(0, 4000), st.dates(date(2026, 1, 1), date(2026, 7, 1)))
def test_on_no_earlier_day_was_as_much_of_it_past_due(
    parts: list[tuple[date, int]], cents: int, on: date
) -> None:
    schedule = [owed(due_on, amount=str(Decimal(unpaid) / 100)) for due_on, unpaid in parts]
    minimum = Decimal(cents) / 100
    since = ladder_start(schedule, on, minimum)
    owed_by = {
        day: sum((i.unpaid for i in schedule if i.due_on <= day), Decimal(0))
        for day in sorted(i.due_on for i in schedule if i.due_on < on and i.unpaid)
    }
    assert since == next((day for day, amount in owed_by.items() if amount >= minimum), None)
    assert (since is None) == (arrears_on(schedule, on).amount < max(minimum, Decimal("0.01")))


@given(unpaid_parts, st.integers(1, 4000))
def test_time_alone_never_moves_the_start(parts: list[tuple[date, int]], cents: int) -> None:
    schedule = [owed(due_on, amount=str(Decimal(unpaid) / 100)) for due_on, unpaid in parts]
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(190)]
    starts = [ladder_start(schedule, day, Decimal(cents) / 100) for day in days]
    assert len({since for since in starts if since}) <= 1


def test_a_loan_below_the_minimum_is_reviewed_at_once_when_its_facts_change() -> None:
    loan = LoanOnRecord(ladder(minimum_amount="10"), owed(MARCH, amount="5"))
    assert loan.look(on_day(1)).review_on is None
    assert next_review(loan.snapshot, on_day(2)) == date(2026, 3, 3)
    assert ActionStatus.PLANNED not in {action.status for action in loan.actions.values()}
