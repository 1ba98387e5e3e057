"""The day of the collectors while their calls are assigned: who has time, and for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from domain.collectors import Span, speaks
from domain.reasons import ReasonCode, Reasons, because

_PERIOD = 30
"""Minutes. How finely it is known which time of the day is wanted most."""
_MINUTE = timedelta(minutes=1)
_NO_SHIFT = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PersonCall:
    """The one call that a person gets on a day, about all of the person's loans."""

    person: int
    windows: tuple[Span, ...]
    """When it may be made on this day. It must begin and end inside one of them."""
    language: str
    """BCP 47, such as `zh-Hans`."""
    minutes: int
    """Expected, with what is written down afterwards; at least 1."""
    value: Decimal
    """Expected, at least 0. All calls have it in one currency."""
    skill: str | None = None
    must_do: bool = False
    """A duty: it comes before all value."""
    spoke_last: int | None = None
    """The collector who spoke with the person last."""
    handled_today_by: int | None = None
    """The collector who has the person today already: nobody else may call."""
    late_with_it: int | None = None
    """The collector from whom the call was taken, late: they get it if nobody else has time."""
    loans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """A collector, and what limits which calls this one can make on the day."""

    id: int
    shifts: tuple[Span, ...]
    breaks: tuple[Span, ...]
    languages: tuple[str, ...]
    skills: frozenset[str]
    capacity: int
    """Minutes of calls on the day, which may be less than the shifts have."""
    certified_until: date | None
    """The last day on which the certificate is valid; None: there is none."""
    must_not_handle: frozenset[int] = frozenset()
    """Persons."""
    most_calls: int | None = None
    """How many calls more; None: only the minutes count."""
    given: Decimal = Decimal(0)
    """The value of the calls that they were given on this day before."""
    weight: int = 0
    """Their usual capacity, by which shares of value are compared; 0: the capacity."""


@dataclass(slots=True)
class Diary:
    """The day of one collector while it is filled. A bit of `free` is a minute without a call."""

    caller: Caller
    equals: int
    """Those with the same number have the same languages, skills, hours and capacity."""
    free: int
    left: int
    """Minutes of the capacity."""
    weight: int
    value: Decimal
    starts: dict[int, int] = field(default_factory=dict)
    """The first minute of each call, by the position of the call."""


class Day:
    """The diaries of all collectors, and the calls by position, in the order of their weight."""

    def __init__(self, calls: Sequence[PersonCall], callers: Sequence[Caller], on: date) -> None:
        self.calls = calls
        self._callers = callers
        self._on = on
        shifts = [shift for caller in callers for shift in caller.shifts]
        # In UTC: Python subtracts two moments of one zone without its change to summer time.
        self.origin = min((each.starts_at.astimezone(UTC) for each in shifts), default=_NO_SHIFT)
        self._end = max(((each.ends_at - self.origin) // _MINUTE for each in shifts), default=0)
        profiles: dict[object, int] = {}
        self.diaries = [self._diary(caller, profiles) for caller in callers if _works(caller, on)]
        self._by_id = {diary.caller.id: diary for diary in self.diaries}
        self._mask_of = cache(self._mask)
        self._suitable = cache(self._who_can)
        self.windows = [self._mask_of(call.windows) for call in calls]
        self._weights = [(call.must_do, call.value) for call in calls]
        self._shortest = min((call.minutes for call in calls), default=1)
        self._wanted = self._demand()
        self._periods = self._least_wanted_first()

    def place(self, nr: int) -> bool:
        """Give the call to the best collector who is free for it; False: there is none."""
        best = min(
            ((self._rank(nr, diary), diary) for diary in self.who_may(nr) if self.room(nr, diary)),
            key=lambda item: item[0],
            default=None,
        )
        if best is None:
            return False
        self.put(nr, best[1])
        return True

    def improve(self, waiting: Sequence[int]) -> list[int]:
        """Make room for the calls that wait, weightiest first; those that are left over."""
        left = []
        queue = list(waiting)
        while queue:
            nr = queue.pop(0)
            if self.place(nr) or self._move_another(nr):
                continue
            replaced = self._replace(nr)
            if replaced is None:
                left.append(nr)
            else:
                queue.insert(0, replaced)
        return left

    def who_may(self, nr: int) -> Iterator[Diary]:
        """Those who work today and may make this call, whether or not they have time."""
        call = self.calls[nr]
        for diary in self._suitable(call.language, call.skill):
            if call.person not in diary.caller.must_not_handle and (
                call.handled_today_by in (None, diary.caller.id)
            ):
                yield diary

    def room(self, nr: int, diary: Diary, without: int | None = None) -> int:
        """A bit for each minute at which the call can begin, with another call taken away."""
        minutes, free = diary.left, diary.free
        if without is not None:
            minutes += self.calls[without].minutes
            free |= self._bits(without, diary.starts[without])
        needed = self.calls[nr].minutes
        most = diary.caller.most_calls
        if needed > minutes or (
            most is not None and len(diary.starts) - (without is not None) >= most
        ):
            return 0
        return _beginnings(free & self.windows[nr], needed)

    def put(self, nr: int, diary: Diary) -> None:
        """Give the call, for which there must be room."""
        starts = self.room(nr, diary)
        fitting = next((starts & period for period in self._periods if starts & period), starts)
        start = (fitting & -fitting).bit_length() - 1
        diary.free &= ~self._bits(nr, start)
        diary.left -= self.calls[nr].minutes
        diary.value += self.calls[nr].value
        diary.starts[nr] = start

    def take(self, nr: int, diary: Diary) -> None:
        """Take the call away again."""
        diary.free |= self._bits(nr, diary.starts.pop(nr))
        diary.left += self.calls[nr].minutes
        diary.value -= self.calls[nr].value

    def starts_at(self, nr: int, diary: Diary) -> datetime:
        return self.origin + diary.starts[nr] * _MINUTE

    def limit_of(self, nr: int) -> Reasons:
        """Why nobody makes this call: the first limit that nobody passes."""
        call = self.calls[nr]
        left: list[Caller] = list(self._callers)
        limits: list[tuple[ReasonCode, Callable[[Caller], bool]]] = [
            (ReasonCode.NO_CALLER_SPEAKS, lambda caller: speaks(caller.languages, call.language)),
            (ReasonCode.NO_CALLER_SKILLED, lambda caller: call.skill in {None, *caller.skills}),
            (ReasonCode.NO_CALLER_CERTIFIED, lambda caller: _works(caller, self._on)),
            (
                ReasonCode.CALLERS_BARRED,
                lambda caller: call.person not in caller.must_not_handle,
            ),
            (
                ReasonCode.CALLER_OF_TODAY_CANNOT,
                lambda caller: call.handled_today_by in (None, caller.id),
            ),
            (ReasonCode.NO_CALLER_IN_WINDOW, lambda caller: self._has_time(nr, caller)),
        ]
        if not left:
            return because(ReasonCode.NO_CALLERS)
        for code, passes in limits:
            left = [caller for caller in left if passes(caller)]
            if not left:
                skill = {"skill": call.skill} if call.skill else {}
                return because(code, language=call.language, **skill)
        return because(ReasonCode.CALLERS_FULL, language=call.language)

    def _move_another(self, nr: int) -> bool:
        """Make room by moving one call to a collector who has time left."""
        roomy = {
            diary.caller.id: diary.left
            for diary in self.diaries
            if diary.left >= self._shortest and _beginnings(diary.free, self._shortest)
        }
        longest = max(roomy.values(), default=0)
        for diary in self.who_may(nr):
            needed = self.calls[nr].minutes - diary.left
            for other in sorted(diary.starts, reverse=True):
                may_go = needed <= self.calls[other].minutes <= longest
                if not may_go or not self.room(nr, diary, other):
                    continue
                with_time = (each for each in self.who_may(other) if each.caller.id in roomy)
                to = next(
                    (each for each in with_time if each is not diary and self.room(other, each)),
                    None,
                )
                if to is not None:
                    self.take(other, diary)
                    self.put(nr, diary)
                    self.put(other, to)
                    return True
        return False

    def _replace(self, nr: int) -> int | None:
        """Put the call in the place of the lightest call, if that is lighter. Returns the call that
        lost its place; None if it is lighter than none."""
        lighter = sorted(
            (self._weights[other], other, diary.caller.id)
            for diary in self.who_may(nr)
            for other in diary.starts
            if self.calls[other].minutes + diary.left >= self.calls[nr].minutes
            and self._weights[other] < self._weights[nr]
        )
        for _, other, collector in lighter:
            diary = self._by_id[collector]
            if self.room(nr, diary, other):
                self.take(other, diary)
                self.put(nr, diary)
                return other
        return None

    def _rank(self, nr: int, diary: Diary) -> tuple[bool, bool, float, float, int]:
        late = self.calls[nr].late_with_it == diary.caller.id
        other = self.calls[nr].spoke_last != diary.caller.id
        share = float(diary.value) / (diary.weight or 1)
        return late, other, self._wanted[diary.equals], share, diary.caller.id

    def _bits(self, nr: int, start: int) -> int:
        return ((1 << self.calls[nr].minutes) - 1) << start

    def _mask(self, spans: tuple[Span, ...]) -> int:
        """The whole minutes inside these spans. Two that touch are one."""
        minutes = 0
        for span in spans:
            first = max(0, -((self.origin - span.starts_at) // _MINUTE))
            last = min(self._end, (span.ends_at - self.origin) // _MINUTE)
            if first < last:
                minutes |= ((1 << (last - first)) - 1) << first
        return minutes

    def _hours(self, caller: Caller) -> int:
        """The whole minutes that this collector works, without those that a break touches."""
        almost = _MINUTE - timedelta.resolution
        touched = (Span(each.starts_at - almost, each.ends_at + almost) for each in caller.breaks)
        return self._mask(caller.shifts) & ~self._mask(tuple(touched))

    def _has_time(self, nr: int, caller: Caller) -> bool:
        free = self._hours(caller) & self.windows[nr]
        return bool(_beginnings(free, self.calls[nr].minutes))

    def _diary(self, caller: Caller, profiles: dict[object, int]) -> Diary:
        hours = self._hours(caller)
        weight = caller.weight or caller.capacity
        profile = (frozenset(caller.languages), caller.skills, hours, weight)
        equals = profiles.setdefault(profile, len(profiles))
        return Diary(caller, equals, hours, caller.capacity, weight, caller.given)

    def _who_can(self, language: str, skill: str | None) -> list[Diary]:
        return [
            diary
            for diary in self.diaries
            if speaks(diary.caller.languages, language) and skill in {None, *diary.caller.skills}
        ]

    def _demand(self) -> dict[int, float]:
        """How much equals are wanted: minutes of calls for each minute of who can make them."""
        wanted: dict[tuple[str, str | None], int] = {}
        for call in self.calls:
            key = (call.language, call.skill)
            wanted[key] = wanted.get(key, 0) + call.minutes
        demand = {diary.equals: 0.0 for diary in self.diaries}
        for key in sorted(wanted, key=lambda each: (each[0], each[1] or "")):
            suitable = self._suitable(*key)
            supply = sum(diary.left for diary in suitable)
            for equals in sorted({diary.equals for diary in suitable}):
                demand[equals] += wanted[key] / supply if supply else 0
        return demand

    def _least_wanted_first(self) -> list[int]:
        """Masks of the periods of the day, by the calls for each minute that somebody works."""
        periods = []
        counted: dict[int, int] = {}
        for call, window in zip(self.calls, self.windows, strict=True):
            counted[window] = counted.get(window, 0) + call.minutes
        for start in range(0, self._end, _PERIOD):
            mask = ((1 << _PERIOD) - 1) << start
            supply = sum((diary.free & mask).bit_count() for diary in self.diaries)
            wanted = sum(
                minutes * (window & mask).bit_count() / window.bit_count()
                for window, minutes in counted.items()
                if window & mask
            )
            if supply:
                periods.append((wanted / supply, start, mask))
        return [mask for _, _, mask in sorted(periods)]


def _works(caller: Caller, on: date) -> bool:
    return caller.certified_until is not None and on <= caller.certified_until


def _beginnings(free: int, minutes: int) -> int:
    """A bit for each minute that begins so many free ones."""
    have = 1
    while have < minutes and free:
        step = min(have, minutes - have)
        free &= free >> step
        have += step
    return free
