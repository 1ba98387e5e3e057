"""Days past due, the day since which it is past due, and the amount."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import AllocationOrder, allocate
from domain.delinquency import arrears_on, days_past_due
from domain.loans import Component, Instalment
from tests.domain.examples import DUE, owed

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.mark.parametrize(
    ("on", "days", "past_due"),
    [
        (date(2026, 2, 27), 0, False),
        (date(2026, 3, 1), 0, False),  # the due day itself
        (date(2026, 3, 2), 1, True),
        (date(2026, 3, 31), 30, True),
        (date(2027, 3, 1), 365, True),
    ],
)
def test_days_past_due_count_from_the_day_after_the_due_day(
    on: date, days: int, past_due: bool
) -> None:
    arrears = arrears_on([owed(DUE)], on)
    assert (arrears.days_past_due, arrears.past_due) == (days, past_due)


def test_a_leap_day_is_a_day() -> None:
    assert days_past_due([owed(date(2028, 2, 28))], date(2028, 3, 1)) == 2


def test_delinquent_since_is_the_oldest_unpaid_instalment_in_whatever_order_they_come() -> None:
    arrears = arrears_on([owed(MAY), owed(APRIL), owed(DUE)], date(2026, 5, 2))
    assert arrears.delinquent_since == DUE
    assert arrears.amount == Decimal(3000)


def test_a_part_payment_lowers_the_amount_and_leaves_delinquent_since() -> None:
    arrears = arrears_on([owed(DUE, paid="999.99"), owed(APRIL)], date(2026, 4, 2))
    assert (arrears.delinquent_since, arrears.days_past_due) == (DUE, 32)
    assert arrears.amount == Decimal("1000.01")


def test_delinquent_since_moves_once_the_oldest_instalment_is_paid_in_full() -> None:
    arrears = arrears_on([owed(DUE, paid="1000"), owed(APRIL)], date(2026, 4, 2))
    assert (arrears.delinquent_since, arrears.days_past_due) == (APRIL, 1)


def test_a_reversed_payment_brings_the_old_delinquent_since_back() -> None:
    paid, april = owed(DUE, paid="1000"), owed(APRIL)
    reversed_ = replace(paid, paid_principal=Decimal(0))
    assert arrears_on([paid, april], date(2026, 4, 10)).delinquent_since == APRIL
    assert arrears_on([reversed_, april], date(2026, 4, 10)).delinquent_since == DUE


def test_what_falls_due_next_is_the_first_unpaid_instalment_not_past_due() -> None:
    on = date(2026, 3, 10)
    assert arrears_on([owed(MAY), owed(DUE), owed(APRIL)], on).next_due_on == APRIL
    assert arrears_on([owed(MAY), owed(DUE), owed(APRIL, paid="1000")], on).next_due_on == MAY
    assert arrears_on([owed(DUE)], on).next_due_on is None


def test_an_instalment_due_today_is_what_falls_due_next() -> None:
    assert arrears_on([owed(DUE)], DUE).next_due_on == DUE


def test_a_loan_paid_off_is_not_past_due() -> None:
    arrears = arrears_on([owed(DUE, paid="1000")], date(2026, 9, 1))
    assert (arrears.past_due, arrears.amount, arrears.next_due_on) == (False, Decimal(0), None)


def test_interest_and_fees_are_past_due_too() -> None:
    instalment = Instalment(
        DUE, Decimal(100), interest=Decimal(10), fees=Decimal(5), paid_principal=Decimal(100)
    )
    arrears = arrears_on([instalment], date(2026, 3, 2))
    assert (arrears.delinquent_since, arrears.amount) == (DUE, Decimal(15))


amounts = st.decimals(min_value=1, max_value=1000, places=2)


@given(
    dues=st.lists(amounts, min_size=1, max_size=5),
    payment=amounts,
    days=st.integers(1, 200),
)
def test_delinquent_since_moves_only_when_its_instalment_is_paid_in_full(
    dues: list[Decimal], payment: Decimal, days: int
) -> None:
    before = [Instalment(DUE + timedelta(days=30 * n), due) for n, due in enumerate(dues)]
    apply_allocations, _ = allocate(before, payment, AllocationOrder(), DUE)
    after = [
        replace(
            instalment,
            paid_principal=sum(
                (a.amount for a in apply_allocations if a.due_on == instalment.due_on), Decimal(0)
            ),
        )
        for instalment in before
    ]
    on = DUE + timedelta(days=days)
    was, now = arrears_on(before, on), arrears_on(after, on)
    oldest_is_paid = after[0].unpaid_of(Component.PRINCIPAL) == 0
    assert (now.delinquent_since == was.delinquent_since) is not oldest_is_paid
    assert now.amount <= was.amount
