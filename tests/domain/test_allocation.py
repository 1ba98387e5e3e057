"""Which part of which instalment a payment pays."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import AllocateBy, Allocation, AllocationOrder, allocate, merge_allocations
from domain.loans import Component, Instalment
from tests.domain.examples import DUE

APRIL = date(2026, 4, 1)
FEES, INTEREST, PRINCIPAL = Component.FEES, Component.INTEREST, Component.PRINCIPAL
TWO = (
    Instalment(APRIL, Decimal(100), Decimal(20), Decimal(5)),
    Instalment(DUE, Decimal(100), Decimal(10), Decimal(3)),
)
LAW = AllocationOrder()
BY_COMPONENT = AllocationOrder(by=AllocateBy.COMPONENT)
PRINCIPAL_FIRST = AllocationOrder((PRINCIPAL, INTEREST, FEES))

Expected = list[tuple[date, Component, str]]


@pytest.mark.parametrize(
    ("schedule_text", "amount", "order", "expected"),
    [
        ("less than the fees", "2", LAW, [(DUE, FEES, "2")]),
        ("fees, then interest", "8", LAW, [(DUE, FEES, "3"), (DUE, INTEREST, "5")]),
        (
            "the oldest instalment before the next",
            "115",
            LAW,
            [(DUE, FEES, "3"), (DUE, INTEREST, "10"), (DUE, PRINCIPAL, "100"), (APRIL, FEES, "2")],
        ),
        (
            "all fees before any interest",
            "12",
            BY_COMPONENT,
            [(DUE, FEES, "3"), (APRIL, FEES, "5"), (DUE, INTEREST, "4")],
        ),
        (
            "principal first where the contract says so",
            "40",
            PRINCIPAL_FIRST,
            [(DUE, PRINCIPAL, "40")],
        ),
    ],
)
def test_a_payment_is_laid_in_the_agreed_order(
    schedule_text: str, amount: str, order: AllocationOrder, expected: Expected
) -> None:
    allocations, left = allocate(TWO, Decimal(amount), order, APRIL)
    assert [(a.due_on, a.component, str(a.amount)) for a in allocations] == expected, schedule_text
    assert left == 0


def test_what_is_more_than_the_debt_is_left_over() -> None:
    allocations, left = allocate(TWO, Decimal(240), LAW, APRIL)
    assert sum(a.amount for a in allocations) == Decimal(238)
    assert left == Decimal(2)


def test_what_was_paid_before_is_not_paid_again() -> None:
    half_paid = Instalment(DUE, Decimal(100), Decimal(10), paid_interest=Decimal(10))
    allocations, _ = allocate([half_paid], Decimal(5), LAW, DUE)
    assert [(a.component, a.amount) for a in allocations] == [(PRINCIPAL, Decimal(5))]


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_a_payment_of_nothing_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="more than zero"):
        allocate(TWO, Decimal(amount), LAW, APRIL)


cents = st.decimals(min_value=0, max_value=500, places=2)
schedules = st.lists(st.tuples(cents, cents, cents), max_size=5).map(
    lambda rows: [Instalment(DUE + timedelta(days=30 * n), *row) for n, row in enumerate(rows)]
)
orders = st.builds(
    AllocationOrder,
    st.permutations(list(Component)).map(tuple),
    st.sampled_from(AllocateBy),
)


def test_the_instalment_that_the_payer_named_is_paid_first() -> None:
    for order in (LAW, BY_COMPONENT):
        allocations, _ = allocate(TWO, Decimal(130), order, APRIL, first=APRIL)

        assert [(a.due_on, a.component, a.amount) for a in allocations] == [
            (APRIL, FEES, 5),
            (APRIL, INTEREST, 20),
            (APRIL, PRINCIPAL, 100),
            (DUE, FEES, 3),
            (DUE, INTEREST, 2),
        ]


def test_an_instalment_that_the_loan_does_not_have_means_nothing() -> None:
    named = allocate(TWO, Decimal(130), LAW, APRIL, first=DUE + timedelta(days=1))

    assert named == allocate(TWO, Decimal(130), LAW, APRIL)


@given(
    instalments=schedules,
    amount=st.decimals(min_value="0.01", max_value=5000, places=2),
    order=orders,
    days=st.integers(-1, 150),
    first=st.sampled_from([None, *(DUE + timedelta(days=30 * n) for n in range(5))]),
)
def test_no_cent_is_made_or_lost(
    instalments: list[Instalment],
    amount: Decimal,
    order: AllocationOrder,
    days: int,
    first: date | None,
) -> None:
    allocations, left = allocate(instalments, amount, order, DUE + timedelta(days=days), first)
    assert sum((a.amount for a in allocations), left) == amount
    expected: Counter[tuple[date, Component]] = Counter()
    for a in allocations:
        assert a.amount > 0
        expected[(a.due_on, a.component)] += a.amount  # type: ignore[assignment]
    for instalment in instalments:
        for component in Component:
            assert expected[(instalment.due_on, component)] <= instalment.unpaid_of(component)
    unpaid = sum((instalment.unpaid for instalment in instalments), Decimal(0))
    assert left == max(amount - unpaid, Decimal(0))


def test_by_component_what_is_overdue_is_paid_before_what_is_to_come() -> None:
    half_a_year = [
        Instalment(DUE + timedelta(days=30 * n), Decimal(100), Decimal(10)) for n in range(7)
    ]
    second = half_a_year[1].due_on

    allocations, _ = allocate(half_a_year, Decimal(230), BY_COMPONENT, second)

    assert [(a.due_on, a.component, a.amount) for a in allocations] == [
        (DUE, INTEREST, 10),
        (second, INTEREST, 10),
        (DUE, PRINCIPAL, 100),
        (second, PRINCIPAL, 100),
        (half_a_year[2].due_on, INTEREST, 10),
    ]


def test_by_component_an_instalment_that_is_to_come_is_paid_as_a_whole() -> None:
    allocations, _ = allocate(TWO, Decimal(116), BY_COMPONENT, DUE - timedelta(days=1))

    assert [(a.due_on, a.component, a.amount) for a in allocations] == [
        (DUE, FEES, 3),
        (DUE, INTEREST, 10),
        (DUE, PRINCIPAL, 100),
        (APRIL, FEES, 3),
    ]


@given(
    instalments=schedules,
    amount=st.decimals(min_value="0.01", max_value=5000, places=2),
    order=orders,
    days=st.integers(-1, 150),
)
def test_nothing_that_is_to_come_is_paid_while_something_is_due(
    instalments: list[Instalment], amount: Decimal, order: AllocationOrder, days: int
) -> None:
    on = DUE + timedelta(days=days)
    due = sum((i.unpaid for i in instalments if i.due_on <= on), Decimal(0))

    allocations, _ = allocate(instalments, amount, order, on)

    of_due = sum((a.amount for a in allocations if a.due_on <= on), Decimal(0))
    assert of_due == min(amount, due)


@given(
    instalments=schedules,
    amount=st.decimals(min_value="0.01", max_value=5000, places=2),
    order=orders,
    days=st.integers(-1, 150),
)
def test_whatever_comes_later_in_the_order_is_paid_once_all_before_it_is(
    instalments: list[Instalment], amount: Decimal, order: AllocationOrder, days: int
) -> None:
    """Of one instalment; by component also over all that is due."""
    on = DUE + timedelta(days=days)
    paid: Counter[tuple[date, Component]] = Counter()
    for part in allocate(instalments, amount, order, on)[0]:
        paid[(part.due_on, part.component)] += part.amount  # type: ignore[assignment]
    groups = [[instalment] for instalment in instalments]
    if order.by is AllocateBy.COMPONENT:
        groups.append([instalment for instalment in instalments if instalment.due_on <= on])
    for group in groups:
        left = [
            sum((i.unpaid_of(c) - paid[(i.due_on, c)] for i in group), Decimal(0))
            for c in order.components
        ]
        got = [sum((paid[(i.due_on, c)] for i in group), Decimal(0)) for c in order.components]
        assert min(left) >= 0
        assert all(not got[n] or not any(left[:n]) for n in range(len(got)))


def test_two_layings_of_one_payment_are_told_as_one() -> None:
    first = [Allocation(DUE, FEES, Decimal(3)), Allocation(DUE, INTEREST, Decimal(4))]
    then = [Allocation(DUE, INTEREST, Decimal(6)), Allocation(APRIL, FEES, Decimal(1))]

    assert merge_allocations(first, then) == (
        Allocation(DUE, FEES, Decimal(3)),
        Allocation(DUE, INTEREST, Decimal(10)),
        Allocation(APRIL, FEES, Decimal(1)),
    )
