"""What a lender charges, waives, leaves out and accelerates: what is owed follows, to the cent."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.adjustments import (
    AdjustedPart,
    Adjustment,
    AdjustmentKind,
    adjust,
    apply_parts,
    day_after_last,
    undo,
)
from domain.allocation import AllocateBy, AllocationOrder, allocate, apply_allocations
from domain.loans import ZERO, Component, Instalment

FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
ON = date(2026, 3, 5)
ORDER = AllocationOrder()
FEES, INTEREST, PRINCIPAL = Component.FEES, Component.INTEREST, Component.PRINCIPAL


def schedule(paid: str = "0") -> tuple[Instalment, ...]:
    """Three instalments of 110, of which so much is paid in all."""
    due = [Instalment(day, Decimal(100), Decimal(10)) for day in (FEBRUARY, MARCH, APRIL)]
    if not Decimal(paid):
        return tuple(due)
    return apply_allocations(due, allocate(due, Decimal(paid), ORDER, ON)[0])


def as_written(due_on: date) -> date:
    return due_on


def after(instalments: tuple[Instalment, ...], adjustment: Adjustment) -> tuple[Instalment, ...]:
    return apply_parts(instalments, adjust(instalments, adjustment, ORDER, as_written))


def unpaid(instalments: tuple[Instalment, ...]) -> dict[date, int]:
    return {due.due_on: int(due.unpaid) for due in instalments}


def charge(amount: str, due_on: date, component: Component = FEES) -> Adjustment:
    return Adjustment(AdjustmentKind.CHARGE, ON, Decimal(amount), component, due_on=due_on)


def waiver(
    amount: str | None, component: Component | None = None, instalment: date | None = None
) -> Adjustment:
    how_much = Decimal(amount) if amount else None
    return Adjustment(AdjustmentKind.WAIVER, ON, how_much, component, instalment)


LEFT_OUT = Adjustment(AdjustmentKind.LEFT_OUT, ON, instalment=MARCH, due_on=date(2026, 5, 1))
ACCELERATED = Adjustment(AdjustmentKind.ACCELERATION, ON, due_on=ON)


@pytest.mark.parametrize(
    ("paid", "adjustment", "left"),
    [
        pytest.param("0", charge("5", MARCH), {FEBRUARY: 110, MARCH: 115, APRIL: 110}, id="added"),
        pytest.param(
            "0",
            charge("5", ON),
            {FEBRUARY: 110, MARCH: 110, ON: 5, APRIL: 110},
            id="an instalment of its own",
        ),
        pytest.param(
            "0", waiver("15", INTEREST), {FEBRUARY: 100, MARCH: 105, APRIL: 110}, id="oldest first"
        ),
        pytest.param(
            "0", waiver(None, INTEREST), dict.fromkeys((FEBRUARY, MARCH, APRIL), 100), id="all"
        ),
        pytest.param(
            "0", waiver(None, None, MARCH), {FEBRUARY: 110, APRIL: 110}, id="one that is skipped"
        ),
        pytest.param(
            "5",
            waiver("20", INTEREST, FEBRUARY),
            {FEBRUARY: 100, MARCH: 110, APRIL: 110},
            id="paid",
        ),
        pytest.param(
            "115",
            LEFT_OUT,
            {FEBRUARY: 0, MARCH: 0, APRIL: 110, date(2026, 5, 1): 105},
            id="left out",
        ),
        pytest.param("0", ACCELERATED, {FEBRUARY: 110, MARCH: 110, ON: 110}, id="accelerated"),
    ],
)
def test_what_is_owed_after(paid: str, adjustment: Adjustment, left: dict[date, int]) -> None:
    assert unpaid(after(schedule(paid), adjustment)) == left


def test_an_instalment_that_is_left_out_goes_a_month_after_the_last_one() -> None:
    on_the_last = [Instalment(day, Decimal(1)) for day in (date(2026, 1, 31), date(2026, 2, 28))]
    assert day_after_last(on_the_last) == date(2026, 3, 31)


def test_what_was_paid_of_accelerated_money_counts_for_the_oldest() -> None:
    due = (*schedule(), Instalment(date(2026, 5, 1), Decimal(50)))
    parts = adjust(due, ACCELERATED, ORDER, as_written)
    paid, _ = allocate(apply_parts(due, parts), Decimal(220 + 120), ORDER, ON)
    accelerated = apply_allocations(apply_parts(due, parts), paid)

    back = apply_parts(accelerated, undo(accelerated, parts))

    assert unpaid(back) == {FEBRUARY: 0, MARCH: 0, ON: 0, date(2026, 5, 1): 40}


def test_what_was_left_of_an_instalment_of_its_own_is_gone_with_the_charge() -> None:
    parts = adjust(schedule(), charge("5", ON), ORDER, as_written)
    charged = apply_parts(schedule(), parts)

    assert parts == (AdjustedPart(ON, FEES, Decimal(5), ON),)
    assert apply_parts(charged, undo(charged, parts)) == schedule()


AMOUNTS = st.decimals("0.01", "150", places=2)
DAYS = st.sampled_from([FEBRUARY, MARCH, APRIL, ON, ON + timedelta(days=60)])
ADJUSTMENTS = st.one_of(
    st.builds(
        lambda amount, component, due_on: Adjustment(
            AdjustmentKind.CHARGE, ON, amount, component, due_on=due_on
        ),
        AMOUNTS,
        st.sampled_from(Component),
        DAYS,
    ),
    st.builds(
        lambda amount, component, day: Adjustment(
            AdjustmentKind.WAIVER, ON, amount, component, day
        ),
        st.none() | AMOUNTS,
        st.none() | st.sampled_from(Component),
        st.none() | DAYS,
    ),
    st.builds(
        lambda instalment, due_on: Adjustment(
            AdjustmentKind.LEFT_OUT, ON, instalment=instalment, due_on=due_on
        ),
        DAYS,
        DAYS,
    ),
    st.builds(lambda due_on: Adjustment(AdjustmentKind.ACCELERATION, ON, due_on=due_on), DAYS),
)
ORDERS = st.builds(
    lambda components, by: AllocationOrder(tuple(components), by),
    st.permutations(ORDER.components),
    st.sampled_from(AllocateBy),
)


def total(instalments: tuple[Instalment, ...]) -> Decimal:
    return sum((due.amount for due in instalments), ZERO)


def paid_of(instalments: tuple[Instalment, ...]) -> Decimal:
    return sum((due.paid for due in instalments), ZERO)


@given(told=st.lists(st.one_of(ADJUSTMENTS, AMOUNTS, st.integers(0, 5)), max_size=8), order=ORDERS)
def test_cents_add_up_whatever_is_adjusted_paid_and_taken_back(
    told: list[Adjustment | Decimal | int], order: AllocationOrder
) -> None:
    """A payment is its amount; a number takes the adjustment of that place back."""
    now = schedule()
    owed, received, left_over = total(now), ZERO, ZERO
    made: dict[int, tuple[AdjustedPart, ...]] = {}
    for place, entry in enumerate(told):
        if isinstance(entry, Adjustment):
            made[place] = adjust(now, entry, order, as_written)
            parts = made[place]
        elif isinstance(entry, Decimal):
            paid, left = allocate(now, entry, order, ON) if now else ((), entry)
            now = apply_allocations(now, paid)
            received, left_over = received + entry, left_over + left
            continue
        else:
            parts = undo(now, made.pop(entry, ()))
        owed += sum((part.amount for part in parts), ZERO)
        now = apply_parts(now, parts)

    assert paid_of(now) + left_over == received
    assert total(now) == owed
    assert all(due.unpaid_of(c) >= ZERO for due in now for c in Component)
    assert all(due.amount > ZERO for due in now)


@given(adjustment=ADJUSTMENTS, order=ORDERS)
def test_what_is_taken_back_before_anything_was_paid_leaves_no_trace(
    adjustment: Adjustment, order: AllocationOrder
) -> None:
    parts = adjust(schedule(), adjustment, order, as_written)
    changed = apply_parts(schedule(), parts)

    assert apply_parts(changed, undo(changed, parts)) == schedule()
