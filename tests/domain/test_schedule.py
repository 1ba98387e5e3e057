"""Schedules: monthly payments, the ends of short months, and what paid totals have paid."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.loans import Instalment
from domain.schedule import (
    drawn_due_day,
    level_payments,
    lump_sum,
    on_due_day,
    paid_by_principal,
    paid_by_total,
)

SEEN_ON = date(2018, 6, 25)
NOTHING = Decimal(0)


def a_loan(due_day: int = 14) -> tuple[Instalment, ...]:
    """28,000 over 60 months at 14.07 % a year, by 652.53 a month, from April 2018."""
    return level_payments(
        principal=Decimal(28000),
        annual_rate_percent=Decimal("14.07"),
        term_months=60,
        instalment=Decimal("652.53"),
        first_month=date(2018, 4, 1),
        due_day=due_day,
    )


def paid_months(months: int) -> tuple[Instalment, ...]:
    principal = sum((i.principal for i in a_loan()[:months]), NOTHING)
    return paid_by_principal(a_loan(1), principal, NOTHING, NOTHING)


def whole(instalments: tuple[Instalment, ...]) -> int:
    return sum(instalment.unpaid == 0 for instalment in instalments)


def test_the_interest_of_a_month_is_a_twelfth_of_the_year_on_what_is_still_owed() -> None:
    first, second = a_loan()[:2]
    assert (first.interest, first.principal) == (Decimal("328.30"), Decimal("324.23"))
    assert (second.interest, second.principal) == (Decimal("324.50"), Decimal("328.03"))


def test_the_principal_of_all_instalments_is_the_loan() -> None:
    assert sum(i.principal for i in a_loan()) == 28000


def test_a_loan_due_on_the_31st_falls_due_on_the_last_day_of_shorter_months() -> None:
    days = [i.due_on for i in a_loan(31)[:12]]
    assert days[:3] == [date(2018, 4, 30), date(2018, 5, 31), date(2018, 6, 30)]
    assert days[10] == date(2019, 2, 28)


def test_a_loan_without_interest_is_its_principal_in_equal_parts() -> None:
    instalments = level_payments(
        principal=Decimal(300),
        annual_rate_percent=Decimal(0),
        term_months=3,
        instalment=Decimal(100),
        first_month=date(2026, 1, 1),
        due_day=5,
    )
    assert [i.amount for i in instalments] == [100, 100, 100]


@pytest.mark.parametrize("instalment", ["328.30", "300", "400", "2000", "28000"])
def test_an_instalment_that_does_not_belong_to_the_loan_is_refused(instalment: str) -> None:
    with pytest.raises(ValueError, match="does not pay the loan back"):
        level_payments(
            principal=Decimal(28000),
            annual_rate_percent=Decimal("14.07"),
            term_months=60,
            instalment=Decimal(instalment),
            first_month=date(2018, 4, 1),
            due_day=1,
        )


def test_a_total_pays_fees_then_interest_then_principal_of_the_oldest_first() -> None:
    loan = (
        Instalment(date(2026, 1, 1), Decimal(100), Decimal(10), Decimal(5)),
        Instalment(date(2026, 2, 1), Decimal(100), Decimal(10), Decimal(5)),
    )
    first, second = paid_by_total(loan, Decimal(127), NOTHING)
    assert first.unpaid == 0
    assert [second.paid_fees, second.paid_interest, second.paid_principal] == [5, 7, 0]


def test_an_instalment_short_by_the_tolerance_counts_as_paid_in_full() -> None:
    loan = lump_sum(Decimal(100), Decimal(0), date(2026, 1, 1))
    assert paid_by_total(loan, Decimal(90), Decimal("0.1"))[0].unpaid == 0
    assert paid_by_total(loan, Decimal("89.99"), Decimal("0.1"))[0].paid == Decimal("89.99")


def test_a_first_period_of_fewer_days_does_not_make_three_paid_instalments_two() -> None:
    principal = sum((i.principal for i in a_loan()[:3]), NOTHING)
    interest = sum((i.interest for i in a_loan()[:3]), NOTHING)
    paid = paid_by_principal(a_loan(), principal, interest - 100, Decimal("0.02"))
    assert whole(paid) == 3


def test_a_first_period_of_more_days_pays_nothing_of_the_next_instalment() -> None:
    principal = sum((i.principal for i in a_loan()[:3]), NOTHING)
    interest = sum((i.interest for i in a_loan()[:3]), NOTHING)
    paid = paid_by_principal(a_loan(), principal, interest + 40, Decimal("0.02"))
    assert whole(paid) == 3
    assert paid[3].paid == 0


def test_a_part_payment_keeps_its_interest_and_its_principal() -> None:
    first = a_loan()[0]
    paid = paid_by_principal(a_loan(), Decimal(100), first.interest, Decimal("0.02"))
    assert [paid[0].paid_interest, paid[0].paid_principal] == [first.interest, 100]
    assert paid[1].paid == 0


@given(st.decimals(0, 50000, places=2))
def test_what_is_paid_is_never_more_than_what_came_in_or_what_was_owed(paid: Decimal) -> None:
    filled = paid_by_total(a_loan(), paid, NOTHING)
    assert sum(i.paid for i in filled) == min(paid, sum(i.amount for i in a_loan()))
    assert all(i.unpaid >= 0 for i in filled)


def test_the_due_day_of_a_loan_is_always_the_same() -> None:
    days = {drawn_due_day("42", paid_months(3), SEEN_ON) for _ in range(3)}
    assert len(days) == 1


def test_loans_paid_through_the_month_were_due_by_the_day_the_tape_was_written() -> None:
    drawn = {drawn_due_day(str(ref), paid_months(3), SEEN_ON) for ref in range(500)}
    assert drawn == set(range(1, 26))


def test_loans_with_the_month_open_are_taken_to_be_due_after_it_was_written() -> None:
    drawn = {drawn_due_day(str(ref), paid_months(2), SEEN_ON) for ref in range(500)}
    assert drawn == set(range(26, 32))


def test_loans_with_an_earlier_month_open_may_be_due_on_any_day() -> None:
    drawn = {drawn_due_day(str(ref), paid_months(1), SEEN_ON) for ref in range(500)}
    assert drawn == set(range(1, 32))


def test_a_tape_written_on_the_last_day_of_a_month_leaves_no_day_after_it() -> None:
    seen_on = date(2018, 6, 30)
    drawn = {drawn_due_day(str(ref), paid_months(2), seen_on) for ref in range(500)}
    assert drawn == set(range(1, 32))


def test_moving_to_a_due_day_keeps_the_months_and_the_money() -> None:
    moved = on_due_day(paid_months(2), 31)
    assert [i.due_on for i in moved[:2]] == [date(2018, 4, 30), date(2018, 5, 31)]
    assert [i.paid for i in moved] == [i.paid for i in paid_months(2)]
