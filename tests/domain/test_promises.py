"""A promise is kept by its amount, within its days, and by nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.holds import Hold, HoldKind
from domain.promises import Promise, ReceivedPayment, is_kept, promise_hold

MADE_AT = datetime(2026, 3, 5, 10, tzinfo=UTC)
PROMISE = Promise(Decimal(100), due_on=date(2026, 3, 10), made_at=MADE_AT)


def paid(amount: str, day: int, hour: int = 12) -> ReceivedPayment:
    at = datetime(2026, 3, day, hour, tzinfo=UTC)
    return ReceivedPayment(Decimal(amount), at.date(), recorded_at=at)


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ([], False),
        ([paid("99.99", 7)], False),  # a part keeps nothing
        ([paid("100", 10)], True),  # on its own day it is in time
        ([paid("100", 11)], False),
        ([paid("40", 6), paid("60", 10)], True),
        ([paid("40", 6), paid("60", 11)], False),
        ([paid("100", 4)], False),  # what was paid before was not what was promised
        ([paid("100", 5, hour=9)], False),  # known before it, on the day itself
        ([paid("100", 5, hour=11)], True),
        ([paid("150", 8)], True),
    ],
)
def test_a_promise_is_kept_by_what_was_paid_in_its_days(
    received: list[ReceivedPayment], kept: bool
) -> None:
    assert is_kept(PROMISE, received) is kept


def test_money_of_its_last_day_that_is_told_of_later_counts() -> None:
    late = ReceivedPayment(Decimal(100), date(2026, 3, 10), datetime(2026, 3, 12, tzinfo=UTC))
    assert is_kept(PROMISE, [late])


def test_a_promise_pauses_the_ladder_until_its_money_must_be_known() -> None:
    assert promise_hold(PROMISE) == Hold(HoldKind.PROMISE, date(2026, 3, 5), date(2026, 3, 12))
