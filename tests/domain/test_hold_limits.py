"""How long somebody may pause a ladder alone: by kind, and never beyond what anybody may."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.hold_limits import HOLD_LIMITS, Length, review_length
from domain.holds import PLACE_THEIR_OWN, HoldKind

TODAY = date(2026, 3, 9)
KINDS = st.sampled_from(sorted(HOLD_LIMITS))
DAYS = st.integers(1, 40_000)


def test_every_kind_that_is_placed_as_a_hold_has_its_limit() -> None:
    assert set(HOLD_LIMITS) == set(HoldKind) - PLACE_THEIR_OWN


def test_a_manual_pause_is_for_two_weeks_unless_a_supervisor_agrees() -> None:
    for days, length in ((14, Length.ALONE), (15, Length.AGREED), (367, Length.TOO_LONG)):
        ends_on = TODAY + timedelta(days=days)
        assert review_length(HOLD_LIMITS[HoldKind.MANUAL], ends_on, TODAY) is length
    assert review_length(HOLD_LIMITS[HoldKind.MANUAL], None, TODAY) is Length.AGREED
    assert review_length(HOLD_LIMITS[HoldKind.DECEASED], None, TODAY) is Length.ALONE


@given(KINDS, DAYS, DAYS)
def test_a_shorter_hold_never_needs_more_than_a_longer_one(
    kind: HoldKind, one: int, other: int
) -> None:
    order = list(Length)
    shorter, longer = (
        order.index(review_length(HOLD_LIMITS[kind], TODAY + timedelta(days=days), TODAY))
        for days in sorted((one, other))
    )
    assert shorter <= longer
