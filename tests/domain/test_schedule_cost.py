"""What a schedule of the ledger costs a year, above what was owed before it."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.loans import Instalment
from domain.schedule import in_full, level_payments, month_after
from domain.schedule_cost import TOLERANCE, yearly_cost

ON = date(2026, 3, 20)


def schedule(*rows: tuple[str, int, int]) -> list[Instalment]:
    return [Instalment(date.fromisoformat(d), Decimal(p), Decimal(i)) for d, p, i in rows]


def test_interest_that_was_owed_before_is_no_cost_of_the_new_schedule() -> None:
    """Two months are past due with 60 of interest, and of April 20 are on their way. The ledger
    spreads 3,000 over a year's end with all of that, and nothing more: it costs nothing."""
    before = schedule(("2026-01-15", 1000, 30), ("2026-02-15", 1000, 30), ("2026-04-15", 1000, 20))
    after = [*map(in_full, before[:0]), *schedule(("2027-03-20", 3000, 80))]
    assert yearly_cost(before, after, ON) == 0
    dearer = schedule(("2027-03-20", 3000, 80 + 720))
    assert yearly_cost(before, dearer, ON) == Decimal("24.00")


def test_a_schedule_that_owes_no_principal_has_no_yearly_cost() -> None:
    assert yearly_cost([], schedule(("2026-03-20", 1000, 10)), ON) is None


@given(
    rate=st.decimals(1, 60, places=2),
    months=st.integers(2, 24),
    day=st.integers(1, 28),
    on=st.integers(0, 6),
)
def test_an_honest_schedule_is_never_told_to_cost_more_than_its_rate(
    rate: Decimal, months: int, day: int, on: int
) -> None:
    """The ledger counts months, and here days are counted: the tolerance covers that."""
    first = month_after(date(2026, 1, 1), on, 1)
    principal = Decimal(12000)
    level = principal * rate / 1200 / (1 - (1 + rate / 1200) ** -months)
    after = level_payments(
        principal=principal,
        annual_rate_percent=rate,
        term_months=months,
        instalment=level.quantize(Decimal("0.01")),
        first_month=month_after(first, 1, 1),
        due_day=day,
    )
    began = month_after(first, 0, day)
    cost = yearly_cost([], after, began)
    assert cost is not None
    assert abs(cost - rate) <= TOLERANCE * max(1, rate / 12)
