"""When a visit can be, and which two people make it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from domain.collectors import Span
from domain.visits import Visitor, choose_visitors, is_free, slots

NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")


def slot(start: int, zone: ZoneInfo = NEW_YORK, day: int = 5) -> Span:
    return Span(
        datetime(2026, 3, day, start, tzinfo=zone), datetime(2026, 3, day, start + 2, tzinfo=zone)
    )


ANN = Visitor(
    id=1,
    reference="visitor-01",
    languages=("en",),
    regions=(),
    trained_on=date(2026, 1, 5),
    daily_capacity=2,
    shifts=None,
    visits=(),
)
BEN = replace(ANN, id=2, reference="visitor-02")


def ids(*visitors: Visitor, region: str | None = "NY", language: str = "en") -> tuple[int, ...]:
    pair = choose_visitors(visitors, slot(9), region, language)
    return tuple(visitor.id for visitor in pair or ())


def test_slots_begin_after_the_notice_and_follow_the_borrowers_own_clock() -> None:
    # 23:00 in New York is the next day in UTC: the borrower's date counts.
    now = datetime(2026, 3, 3, 4, tzinfo=UTC)
    first = list(islice(slots("America/New_York", now), 6))
    assert [slot.starts_at.isoformat() for slot in first] == [
        "2026-03-05T09:00:00-05:00",
        "2026-03-05T11:00:00-05:00",
        "2026-03-05T13:00:00-05:00",
        "2026-03-05T15:00:00-05:00",
        "2026-03-05T17:00:00-05:00",
        "2026-03-06T09:00:00-05:00",
    ]


def test_slots_keep_their_hours_when_the_clocks_change() -> None:
    after = [
        slot_of_day
        for slot_of_day in slots("America/New_York", slot(9).starts_at)
        if slot_of_day.starts_at.day == 9
    ]
    assert after[0].starts_at.isoformat() == "2026-03-09T09:00:00-04:00"


def test_two_people_go_and_never_one() -> None:
    assert ids(ANN, BEN) == (1, 2)
    assert ids(ANN) == ()


def test_those_with_the_fewest_visits_ahead_go_first() -> None:
    busy = replace(ANN, visits=(slot(9, day=9),))
    assert ids(busy, BEN, replace(ANN, id=3)) == (2, 3)


def test_the_way_to_a_visit_is_counted_in_the_minutes_of_the_day() -> None:
    """Two visits of 45 minutes and 30 on the way are 150 minutes."""
    one = replace(ANN, minutes_a_day=149, visits=(slot(13),))
    assert is_free(replace(one, minutes_a_day=150), slot(9), 75)
    assert not is_free(one, slot(9), 75)
    assert is_free(one, slot(9, day=6), 75), "each day by itself"
    assert is_free(one, slot(9)), "without terms of visits only their number counts"
    pair = choose_visitors((one, BEN, replace(ANN, id=3)), slot(9), None, "en", 75)
    assert pair is not None
    assert one not in pair


def test_a_region_is_visited_by_those_who_serve_it() -> None:
    western = replace(ANN, regions=("CA",))
    assert ids(western, BEN) == ()
    assert ids(western, BEN, region="CA") == (1, 2)
    assert ids(western, BEN, region=None) == ()


def test_one_of_the_two_speaks_the_borrowers_language() -> None:
    assert ids(ANN, BEN, language="zh-Hans") == ()
    assert ids(ANN, BEN, replace(ANN, id=3, languages=("zh-Hans",)), language="zh-Hans") == (3, 1)


def test_nobody_is_in_two_places_even_where_time_zones_make_slots_overlap() -> None:
    assert ids(replace(ANN, visits=(slot(9),)), BEN) == ()
    # 07:00 to 09:00 in Los Angeles is 10:00 to 12:00 in New York.
    out_west = Span(
        datetime(2026, 3, 5, 7, tzinfo=LOS_ANGELES), datetime(2026, 3, 5, 9, tzinfo=LOS_ANGELES)
    )
    assert choose_visitors((replace(ANN, visits=(out_west,)), BEN), slot(11), None, "en") is None
    assert choose_visitors((replace(ANN, visits=(out_west,)), BEN), slot(13), None, "en")


def test_shifts_bind_those_for_whom_they_are_kept() -> None:
    morning = replace(ANN, shifts=(Span(slot(9).starts_at, slot(11).ends_at),))
    assert ids(morning, BEN) == (1, 2)
    assert choose_visitors((morning, BEN), slot(13), None, "en") is None
    assert ids(replace(ANN, shifts=()), BEN) == ()


def test_a_full_day_takes_no_more_visits() -> None:
    full = replace(ANN, visits=(slot(13), slot(15)))
    assert ids(full, BEN) == ()
    assert ids(replace(full, daily_capacity=3), BEN) == (2, 1)


def test_the_untrained_are_not_sent() -> None:
    assert ids(replace(ANN, trained_on=None), BEN) == ()
    assert ids(replace(ANN, trained_on=date(2025, 3, 4)), BEN) == ()
