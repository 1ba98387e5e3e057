"""How long somebody may pause a ladder alone: by kind, and never beyond what anybody may."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.hold_limits import HOLD_LIMITS, Length, paused_since, review_length
from domain.holds import PLACE_THEIR_OWN, Hold, HoldKind

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


def test_two_weeks_count_from_the_first_of_the_pauses_right_before() -> None:
    days = [(-30, -15), (-14, -5), (-20, 0)]  # one day lies between the first two
    pauses = [
        Hold(HoldKind.MANUAL, *(TODAY + timedelta(days=day) for day in each)) for each in days
    ]
    assert paused_since(pauses[:1], TODAY) == TODAY
    assert paused_since(pauses, TODAY) == TODAY - timedelta(days=30)
    assert paused_since([*pauses[:2], Hold(HoldKind.MANUAL, TODAY - timedelta(days=5))], TODAY) == (
        TODAY - timedelta(days=14)
    )
    ends_on, since = TODAY + timedelta(days=10), TODAY - timedelta(days=5)
    assert review_length(HOLD_LIMITS[HoldKind.MANUAL], ends_on, TODAY, since) is Length.AGREED


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
