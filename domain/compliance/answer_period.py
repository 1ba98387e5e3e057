"""Rule kind: by when a dispute or a complaint is acknowledged and answered, and what it stops.

The day on which it came in is not counted. A period of days ends with its last day, in the lender's
zone. It is never longer than the law: where two laws differ, the earlier end counts; a last day of
rest moves nothing; and of a day whose holidays are not announced yet the plain week counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from domain.compliance.calendars import PLAIN_WEEK, Calendar, DayKind
from domain.compliance.rules import Rule, RulePack
from domain.compliance.vocabulary import Collects
from domain.disputes import Matter

MOMENT = timedelta(microseconds=1)


class PeriodUnit(StrEnum):
    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Period:
    """So many hours, days, working days or weeks."""

    count: int
    unit: PeriodUnit

    def ends(self, start: datetime, calendar: Calendar) -> datetime:
        """The first moment after the period that began at `start`.

        `start` is aware and in the lender's zone, whose days count.
        """
        if self.unit is PeriodUnit.HOURS:
            # By the clock of the world: an hour that a zone repeats counts twice.
            end = start.astimezone(UTC) + timedelta(hours=self.count)
            return end.astimezone(start.tzinfo)
        last = _last_day(start.date(), self, calendar)
        return datetime.combine(last + timedelta(days=1), time.min, start.tzinfo)


def _last_day(day: date, period: Period, calendar: Calendar) -> date:
    if period.unit is PeriodUnit.DAYS:
        return day + timedelta(days=period.count)
    if period.unit is PeriodUnit.WEEKS:
        return day + timedelta(weeks=period.count)
    worked = 0
    while worked < period.count:
        day += timedelta(days=1)
        worked += calendar.kind_of(day) is DayKind.WORKING
    return day


class Stops(StrEnum):
    """What a dispute or a complaint stops until it is answered."""

    LOAN = "loan"  # a dispute: all collection of the loan
    COLLECTOR = "collector"  # a complaint: all work for the person by the collectors it is about
    EVERYBODY = "everybody"  # a complaint: all collection of all loans of the person


STOPS = {
    Matter.DISPUTE: (Stops.LOAN,),
    Matter.COMPLAINT: (Stops.COLLECTOR, Stops.EVERYBODY),
}
"""What each may stop; the first one always counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPeriod(Rule):
    """By when a dispute or a complaint is acknowledged and answered, and where to turn next."""

    of: Matter
    about: frozenset[str] = frozenset()
    """The kinds that it is about; empty: all of them."""
    acknowledge: Period | None = None
    answer: Period | None = None
    extensions: tuple[Period, ...] = ()
    """By how much the time to answer may be made longer, in this order; each with an approval."""
    stops: Stops | None = None
    turn_to: str | None = None
    """Where the person may turn who does not agree with the answer: for the letter, in English."""
    turn_to_zh: str | None = None
    """The same in Chinese."""
    calendar: Calendar = field(default=PLAIN_WEEK)
    """Whose working days count."""

    def answer_ends(self, received_at: datetime, extended: int, calendar: Calendar) -> datetime:
        """The first moment at which the answer is late, after so many extensions."""
        if self.answer is None:
            raise ValueError(f"{self.id} has no time to answer")
        end = self.answer.ends(received_at, calendar)
        for extension in self.extensions[:extended]:
            end = extension.ends(end - MOMENT, calendar)
        return end


@dataclass(frozen=True, slots=True)
class AnswerTerms:
    """What the laws ask about one dispute or complaint."""

    acknowledge_by: datetime | None
    """The first moment at which the acknowledgement is late; None: nobody asks for one."""
    answer_by: datetime | None
    """The first moment at which the answer is late."""
    stops: Stops
    rules: tuple[str, ...]
    """The ids of the rules that decide."""
    turn_to: tuple[AnswerPeriod, ...]
    """The rules that say where to turn next, in the order of the packs."""


def answer_terms(
    packs: Sequence[RulePack],
    collects_as: Collection[Collects],
    matter: Matter,
    kind: str,
    received_at: datetime,
    *,
    extended: int = 0,
) -> AnswerTerms:
    """The deadlines of a dispute or a complaint that came in at a moment, and what it stops.

    `packs` are those of the loan's jurisdiction, `received_at` is in the lender's zone, `extended`
    is how often the time to answer was made longer.
    """
    rules = list(_applying(packs, collects_as, matter, kind, received_at.date()))
    own = next((p.calendar for p in reversed(packs) if p.calendar != PLAIN_WEEK), PLAIN_WEEK)

    def days_of(rule: AnswerPeriod) -> Calendar:
        return own if rule.calendar == PLAIN_WEEK else rule.calendar

    acknowledged = [
        (rule.acknowledge.ends(received_at, days_of(rule)), rule.id)
        for rule in rules
        if rule.acknowledge
    ]
    answered = [
        (rule.answer_ends(received_at, extended, days_of(rule)), rule.id)
        for rule in rules
        if rule.answer
    ]
    first_acknowledged = min(acknowledged, default=None)
    first_answered = min(answered, default=None)
    stopping = {rule.stops: rule.id for rule in rules if rule.stops}
    stops = Stops.EVERYBODY if Stops.EVERYBODY in stopping else STOPS[matter][0]
    deciding = [end[1] for end in (first_acknowledged, first_answered) if end]
    if stops in stopping:
        deciding.append(stopping[stops])
    return AnswerTerms(
        first_acknowledged[0] if first_acknowledged else None,
        first_answered[0] if first_answered else None,
        stops,
        tuple(dict.fromkeys(deciding)),
        tuple(rule for rule in rules if rule.turn_to),
    )


def _applying(
    packs: Iterable[RulePack],
    collects_as: Collection[Collects],
    matter: Matter,
    kind: str,
    on: date,
) -> Iterable[AnswerPeriod]:
    for pack in packs:
        for rule in pack.rules:
            if (
                isinstance(rule, AnswerPeriod)
                and rule.in_force(on)
                and rule.of is matter
                and (not rule.about or kind in rule.about)
                and (not rule.applies_to or rule.applies_to & set(collects_as))
            ):
                yield rule


class ClockState(StrEnum):
    """Where the next deadline of a dispute or a complaint stands."""

    RUNNING = "running"
    DUE = "due"  # it is near
    LATE = "late"


MOST_WARNING = timedelta(days=3)


def warns_at(received_at: datetime, deadline: datetime) -> datetime:
    """From when on a deadline is near: its last quarter, and three days at the most."""
    return deadline - min(MOST_WARNING, (deadline - received_at) / 4)


def clock_state(received_at: datetime, deadline: datetime, now: datetime) -> ClockState:
    """Where a deadline stands now. All are aware."""
    if now >= deadline:
        return ClockState.LATE
    near = now >= warns_at(received_at, deadline)
    return ClockState.DUE if near else ClockState.RUNNING


def next_change(received_at: datetime, deadline: datetime, now: datetime) -> datetime | None:
    """When `clock_state` is another one next; None: never, because it is late."""
    moments = (warns_at(received_at, deadline), deadline)
    return next((moment for moment in moments if moment > now), None)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a dispute or a complaint stands with its deadlines."""

    state: ClockState
    changes_at: datetime | None
    """When it is another one next; None: never."""


def clock_of(received_at: datetime, deadlines: Iterable[datetime | None], now: datetime) -> Clock:
    """The clock of what is still to be done by these deadlines; None where there is none.

    The worst one counts.
    """
    ahead = [deadline for deadline in deadlines if deadline is not None]
    order = list(ClockState)
    states = [clock_state(received_at, deadline, now) for deadline in ahead]
    changes = [next_change(received_at, deadline, now) for deadline in ahead]
    return Clock(
        max(states, key=order.index, default=ClockState.RUNNING),
        min((change for change in changes if change is not None), default=None),
    )
