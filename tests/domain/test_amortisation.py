"""Interest by day count, annuities and the rest: against figures worked out in another way."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.amortisation import (
    Amortisation,
    DayCount,
    RestIn,
    Rounding,
    days_between,
    in_parts,
    level_instalment,
    rounded,
    spread,
    years_between,
)

TWELFTH_OF_12 = Decimal("0.01")
CURRENCIES = st.sampled_from(["CNY", "USD", "JPY", "KWD"])


def of(
    principal: str,
    months: int,
    amortisation: Amortisation = Amortisation.EQUAL_INSTALMENTS,
    rest_in: RestIn = RestIn.LAST,
    factor: Decimal = TWELFTH_OF_12,
) -> list[tuple[str, str]]:
    parts = spread(
        Decimal(principal),
        [factor] * months,
        amortisation=amortisation,
        currency="CNY",
        rounding=Rounding.HALF_UP,
        rest_in=rest_in,
    )
    return [(str(part), str(interest)) for part, interest in parts]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), 28),
        (date(2026, 1, 30), date(2026, 3, 31), 60),
        (date(2026, 1, 31), date(2026, 3, 31), 60),
        (date(2026, 1, 15), date(2027, 1, 15), 360),
        (date(2026, 2, 28), date(2026, 3, 31), 33),
    ],
)
def test_30_360_has_months_of_30_days(start: date, end: date, days: int) -> None:
    # The figures of the American bond basis, as ISDA 2006 section 4.16(f) has them.
    assert days_between(start, end, DayCount.THIRTY_360) == days


def test_the_same_month_is_longer_with_360_days_a_year() -> None:
    march = (date(2026, 3, 1), date(2026, 4, 1))
    assert years_between(*march, DayCount.ACTUAL_365) == Decimal(31) / 365
    assert years_between(*march, DayCount.ACTUAL_360) == Decimal(31) / 360
    assert years_between(*march, DayCount.THIRTY_360) == Decimal(30) / 360
    assert years_between(*reversed(march), DayCount.ACTUAL_365) == 0


def test_half_a_cent_goes_up_or_to_the_even_cent() -> None:
    assert rounded(Decimal("0.125"), "CNY", Rounding.HALF_UP) == Decimal("0.13")
    assert rounded(Decimal("0.125"), "CNY", Rounding.HALF_EVEN) == Decimal("0.12")
    assert rounded(Decimal("12.5"), "JPY", Rounding.HALF_EVEN) == 12


def test_equal_instalments_are_the_annuity_of_the_textbook() -> None:
    # 1,000 over 3 months at 1 % a month: 1000 × 0.01 × 1.01³ / (1.01³ - 1) = 340.0221…
    assert of("1000.00", 3) == [("330.02", "10.00"), ("333.32", "6.70"), ("336.66", "3.37")]
    # 10,000 over 12 months at 1 % a month is 888.49, as every table of annuities has it.
    closed = Decimal(10000) * TWELFTH_OF_12 / (1 - (1 + TWELFTH_OF_12) ** -12)
    level = level_instalment(Decimal(10000), [TWELFTH_OF_12] * 12)
    assert abs(level - closed) < Decimal("1e-20")
    assert round(level, 2) == Decimal("888.49")


def test_the_rest_of_equal_instalments_is_in_the_first_or_the_last() -> None:
    last = [Decimal(p) + Decimal(i) for p, i in of("10000.00", 12)]
    first = [Decimal(p) + Decimal(i) for p, i in of("10000.00", 12, rest_in=RestIn.FIRST)]
    assert set(last[:-1]) == {Decimal("888.49")} != {last[-1]}
    assert set(first[1:]) == {Decimal("888.49")} != {first[0]}


def test_equal_principal_falls_by_the_interest() -> None:
    equal = Amortisation.EQUAL_PRINCIPAL
    assert of("100.00", 3, equal) == [("33.33", "1.00"), ("33.33", "0.67"), ("33.34", "0.33")]
    first = of("100.00", 3, equal, RestIn.FIRST)
    assert [part for part, _ in first] == ["33.34", "33.33", "33.33"]


def test_without_a_rate_only_the_principal_is_paid() -> None:
    found = of("100.00", 3, factor=Decimal(0))
    assert [part for part, _ in found] == ["33.33", "33.33", "33.34"]
    assert not any(Decimal(interest) for _, interest in found)


@given(
    cents=st.integers(0, 10**9),
    months=st.integers(1, 60),
    rate=st.decimals(0, 100, places=2),
    amortisation=st.sampled_from(Amortisation),
    rounding=st.sampled_from(Rounding),
    rest_in=st.sampled_from(RestIn),
    currency=CURRENCIES,
)
def test_the_parts_add_up_to_the_principal(
    cents: int,
    months: int,
    rate: Decimal,
    amortisation: Amortisation,
    rounding: Rounding,
    rest_in: RestIn,
    currency: str,
) -> None:
    smallest = {"JPY": Decimal(1), "KWD": Decimal("0.001")}.get(currency, Decimal("0.01"))
    principal = cents * smallest
    parts = spread(
        principal,
        [rate / 1200] * months,
        amortisation=amortisation,
        currency=currency,
        rounding=rounding,
        rest_in=rest_in,
    )
    assert sum(part for part, _ in parts) == principal
    assert all(part >= 0 and interest >= 0 for part, interest in parts)
    assert all(part % smallest == 0 == interest % smallest for part, interest in parts)


@given(cents=st.integers(0, 10**9), parts=st.integers(1, 60), rest_in=st.sampled_from(RestIn))
def test_equal_parts_differ_by_less_than_one_smallest_amount_each(
    cents: int, parts: int, rest_in: RestIn
) -> None:
    amount = Decimal(cents) / 100
    found = in_parts(amount, parts, "CNY", rest_in)
    assert sum(found) == amount
    assert 0 <= max(found) - min(found) < parts * Decimal("0.01")


@given(
    start=st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    days=st.integers(0, 4000),
    more=st.integers(0, 4000),
    day_count=st.sampled_from([DayCount.ACTUAL_365, DayCount.ACTUAL_360]),
)
def test_actual_days_of_two_periods_are_those_of_both(
    start: date, days: int, more: int, day_count: DayCount
) -> None:
    middle, end = start + timedelta(days=days), start + timedelta(days=days + more)
    together = days_between(start, middle, day_count) + days_between(middle, end, day_count)
    assert together == days_between(start, end, day_count) == days + more
