"""Spread the value of the assigned calls evenly over collectors who are equal."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from domain.assignment_day import Day, Diary
from domain.reasons import ReasonCode, Reasons, because

TOLERANCE = Decimal("0.15")
"""How far the value of one may be from the mean of the equals, as a share of the mean."""


def even_out(day: Day) -> Reasons:
    """Exchange calls among equals until each is near the mean, and name what binds where not.

    An exchange keeps the calls, their value, and who spoke with the person last, so nothing that
    comes first in the objective is lost.
    """
    uneven: Reasons = ()
    ordered = sorted(day.diaries, key=lambda diary: (diary.equals, diary.caller.id))
    for _, group in groupby(ordered, key=lambda diary: diary.equals):
        equals = list(group)
        while _improve(day, equals):
            pass
        mean = _mean(equals)
        for diary in equals:
            if _is_far(diary, mean):
                uneven += _why(day, diary, equals, mean)
    return uneven


def _mean(equals: Sequence[Diary]) -> Decimal:
    return sum((diary.value for diary in equals), Decimal(0)) / len(equals)


def _is_far(diary: Diary, mean: Decimal) -> bool:
    return abs(diary.value - mean) > mean * TOLERANCE


def _improve(day: Day, equals: Sequence[Diary]) -> bool:
    """Make one exchange that brings a collector nearer to the mean. False: there is none."""
    mean = _mean(equals)
    for rich, poor in _pairs(equals, mean):
        for given, taken in _exchanges(day, rich, poor):
            if _exchange(day, rich, poor, given, taken):
                return True
    return False


def _pairs(equals: Sequence[Diary], mean: Decimal) -> Iterator[tuple[Diary, Diary]]:
    """Who has more than the mean with who has less, the greatest difference first."""
    pairs = (
        (rich, poor)
        for rich in equals
        for poor in equals
        if rich.value > mean > poor.value and (_is_far(rich, mean) or _is_far(poor, mean))
    )
    return iter(sorted(pairs, key=lambda pair: (pair[1].value - pair[0].value, pair[0].caller.id)))


def _exchanges(day: Day, rich: Diary, poor: Diary) -> list[tuple[int, int | None]]:
    """What could go over, alone or for another call: what leaves the two most alike first."""
    difference = rich.value - poor.value
    back = [(nr, day.calls[nr].value) for nr in _movable(day, poor, rich)]
    possible = [
        (abs(difference - 2 * moved), given, taken)
        for given in _movable(day, rich, poor)
        for taken, value in ((None, Decimal(0)), *back)
        if 0 < (moved := day.calls[given].value - value) < difference
    ]
    possible.sort(key=lambda each: (each[0], each[1], -1 if each[2] is None else each[2]))
    return [(given, taken) for _, given, taken in possible]


def _movable(day: Day, whose: Diary, to: Diary) -> list[int]:
    """The calls of one collector that the other may make without a break of continuity."""
    return [
        nr
        for nr in sorted(whose.starts)
        if day.calls[nr].spoke_last != whose.caller.id
        and day.calls[nr].handled_today_by is None
        and day.calls[nr].late_with_it != to.caller.id
        and day.calls[nr].person not in to.caller.must_not_handle
    ]


def _exchange(day: Day, rich: Diary, poor: Diary, given: int, taken: int | None) -> bool:
    """Exchange the calls if each fits into the other's day."""
    if not day.room(given, poor, taken):
        return False
    if taken is not None:
        if not day.room(taken, rich, given):
            return False
        day.take(taken, poor)
    day.take(given, rich)
    day.put(given, poor)
    if taken is not None:
        day.put(taken, rich)
    return True


def _why(day: Day, diary: Diary, equals: Sequence[Diary], mean: Decimal) -> Reasons:
    """The limit that keeps this collector away from the mean."""
    others = [
        other for other in equals if (other.value > mean) != (diary.value > mean) and other != diary
    ]
    pairs = [(diary, other) if diary.value > mean else (other, diary) for other in others]
    if any(_exchanges(day, rich, poor) for rich, poor in pairs):
        code = ReasonCode.SHARE_BOUND_BY_TIME
    elif any(_movable(day, rich, poor) for rich, poor in pairs):
        code = ReasonCode.SHARE_BOUND_BY_SIZE
    else:
        code = ReasonCode.SHARE_BOUND_BY_PERSON
    percent = round(100 * (diary.value - mean) / mean)
    return because(code, collector=diary.caller.id, percent=percent)
