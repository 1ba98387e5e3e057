"""Each currency has its own decimal places: yen have none, Kuwaiti dinars three."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import decimal_string, digits_of, smallest_of
from domain.events import RejectedError
from domain.money import check_amount
from domain.reasons import ReasonCode, because
from domain.schedule import level_payments


@pytest.mark.parametrize(
    ("currency", "smallest", "payable", "too_fine", "written"),
    [
        ("CNY", "0.01", "10.25", "10.255", "1000.00"),
        ("JPY", "1", "10", "10.5", "1000"),
        ("KWD", "0.001", "10.255", "10.2555", "1000.000"),
        ("CLF", "0.0001", "10.2555", "10.25555", "1000.0000"),
    ],
)
def test_an_amount_has_the_places_of_its_currency(
    currency: str, smallest: str, payable: str, too_fine: str, written: str
) -> None:
    assert smallest_of(currency) == Decimal(smallest)
    check_amount(Decimal(payable), currency, "L-1", currency)
    with pytest.raises(RejectedError) as refused:
        check_amount(Decimal(too_fine), currency, "L-1", currency)
    assert refused.value.reason[0].code == ReasonCode.AMOUNT_TOO_FINE
    assert decimal_string(Decimal(1000), currency) == written
    (told,) = because(ReasonCode.LEFT_OVER_OF_PAYMENT, amount=Decimal(1000), currency=currency)
    assert told.params["amount"] == written


@given(
    currency=st.sampled_from(("CNY", "JPY", "KWD")),
    principal=st.integers(1_000, 900_000),
    term=st.integers(1, 24),
)
def test_a_schedule_adds_up_in_whole_units_of_its_currency(
    currency: str, principal: int, term: int
) -> None:
    smallest = smallest_of(currency)
    level = (Decimal(principal) / term * Decimal("1.02")).quantize(smallest)
    try:
        schedule = level_payments(
            principal=Decimal(principal),
            annual_rate_percent=Decimal(12),
            term_months=term,
            instalment=level,
            first_month=date(2026, 1, 1),
            due_day=5,
            smallest=smallest,
        )
    except ValueError:
        return  # it does not pay the loan back in its term
    assert sum(due.principal for due in schedule) == principal
    assert all(due.interest % smallest == 0 for due in schedule)
    assert digits_of(currency) == -int(smallest.as_tuple().exponent)
