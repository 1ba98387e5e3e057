"""What staff may do when: absences, certificates, and what a call takes and needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from domain.collectors import Span, is_trained
from domain.hold_limits import HOLD_LIMITS, HoldLimit
from domain.holds import HoldKind
from domain.reasons import ReasonCode, Reasons, because

EARLY, HARDSHIP, LEGAL, VISITS = "early", "hardship", "legal", "visits"
SKILLS: Final = (EARLY, HARDSHIP, LEGAL, VISITS)
"""The skills that Arrears itself knows: the early steps, borrowers in difficulty, what comes before
a court, and visits. A lender's staffing policy may name others."""


class AbsenceKind(StrEnum):
    """Why somebody does not work although the roster has a shift."""

    LEAVE = "leave"
    ILLNESS = "illness"
    LEFT = "left"
    """For good: it has no end."""
    OTHER = "other"


class HandOn(StrEnum):
    """Why the open work of somebody is given to others."""

    LEFT = "left"
    ABSENT = "absent"
    SHIFT_OVER = "shift_over"
    NOT_CERTIFIED = "not_certified"
    MAKES_NO_CALLS = "makes_no_calls"
    MUST_NOT_HANDLE = "must_not_handle"
    SUPERVISOR = "supervisor"
    """A supervisor gives it to others."""


HANDED_ON: Mapping[HandOn, ReasonCode] = {
    HandOn.LEFT: ReasonCode.HANDED_ON_LEFT,
    HandOn.ABSENT: ReasonCode.HANDED_ON_ABSENT,
    HandOn.SHIFT_OVER: ReasonCode.HANDED_ON_SHIFT_OVER,
    HandOn.NOT_CERTIFIED: ReasonCode.HANDED_ON_NOT_CERTIFIED,
    HandOn.MAKES_NO_CALLS: ReasonCode.HANDED_ON_MAKES_NO_CALLS,
    HandOn.MUST_NOT_HANDLE: ReasonCode.HANDED_ON_MUST_NOT_HANDLE,
    HandOn.SUPERVISOR: ReasonCode.HANDED_ON_BY_SUPERVISOR,
}
"""The reason on record of work that is given to others."""

WAITS_FOR_STAFF = frozenset(
    {
        ReasonCode.NO_CALLERS,
        ReasonCode.NO_CALLER_SPEAKS,
        ReasonCode.NO_CALLER_TRAINED,
        ReasonCode.NO_CALLER_ON_SHIFT,
        ReasonCode.NO_CALLER_SKILLED,
        ReasonCode.NO_CALLER_CERTIFIED,
        ReasonCode.NO_CALLER_IN_WINDOW,
        ReasonCode.CALLERS_FULL,
        ReasonCode.CALLERS_BARRED,
        ReasonCode.CALLER_OF_TODAY_CANNOT,
        ReasonCode.CALLERS_OF_DAY_CHANGED,
        ReasonCode.NO_TWO_VISITORS,
        ReasonCode.NO_VISITOR_SPEAKS,
    }
)
"""Why a call or a visit waits for somebody who can take it, so that it is due at once when somebody
comes. What is planned for another reason, such as the next try of a call, keeps its hour."""


@dataclass(frozen=True, slots=True)
class Absence:
    """When somebody does not work."""

    starts_at: datetime
    ends_at: datetime | None
    """None: it is not known yet."""

    def at(self, moment: datetime) -> bool:
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)


def at_work(shifts: Iterable[Span], absences: Collection[Absence]) -> tuple[Span, ...]:
    """The shifts without the absences, in their order."""
    spans = sorted(shifts, key=lambda span: span.starts_at)
    for away in absences:
        spans = [left for span in spans for left in _without(span, away)]
    return tuple(spans)


def _without(span: Span, away: Absence) -> list[Span]:
    before = Span(span.starts_at, min(span.ends_at, away.starts_at))
    after = Span(max(span.starts_at, away.ends_at), span.ends_at) if away.ends_at else None
    return [each for each in (before, after) if each and each.starts_at < each.ends_at]


@dataclass(frozen=True, slots=True)
class DayDone:
    """What somebody may do on a day, and what they have begun of it."""

    pieces: int
    """Calls that were begun today, and visits of today."""
    minutes: int
    """They are expected to take so many."""
    pieces_a_day: int
    minutes_a_day: int | None = None
    """None: only their number is limited."""


@dataclass(frozen=True, slots=True)
class Member:
    """What decides whether somebody may do a piece of work now."""

    staff: str
    """The lender's reference."""
    trained_on: date | None
    left_on: date | None
    shifts: tuple[Span, ...] | None
    """Those that are recorded around now; None: no shift was ever recorded, so there is none to
    keep to, as of visitors who come when they are asked."""
    absences: tuple[Absence, ...] = ()
    must_not_handle: bool = False
    """Whether they must not handle the person whom the work is about."""
    skills: frozenset[str] = frozenset()
    """As the roster has them, also those whose certificate is over."""
    certificates: Mapping[str, date] = field(default_factory=dict, hash=False)
    """By kind, the last day."""
    day: DayDone | None = None
    """None: their day is not counted."""
    makes_calls: bool = True
    """Whether they are a caller on the roster."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a piece of work needs of whoever does it."""

    skill: str | None = None
    certificate: str | None = None
    """Without it, on that day, the skill does not count."""
    minutes: int = 0
    begun: bool = False
    """Whether they began it today: then it is counted on their day already."""


ANYBODY = Needs()
"""What any member of staff may do who works now."""


def why_may_not_start(member: Member, now: datetime, needs: Needs = ANYBODY) -> Reasons:
    """Why somebody may not start a call or a visit now; empty if they may.

    `now` is an aware moment in the lender's zone. Whether the work is theirs is not asked here.
    """
    return why_not_at_work(member, now) or why_not_this_work(member, needs, now.date())


def why_not_at_work(member: Member, now: datetime) -> Reasons:
    """Why somebody may do nothing at all now: left, not trained, absent, off shift.

    Training: GB/T 45251-2025, before the job and at least once a year (secondary source).
    """
    named = {"staff": member.staff}
    if member.left_on is not None and member.left_on <= now.date():
        return because(ReasonCode.STAFF_LEFT, **named)
    if not is_trained(member.trained_on, now.date()):
        return because(ReasonCode.STAFF_NOT_TRAINED, **named)
    if any(absence.at(now) for absence in member.absences):
        return because(ReasonCode.STAFF_ABSENT, **named)
    if member.shifts is not None and not any(
        shift.starts_at <= now < shift.ends_at for shift in member.shifts
    ):
        return because(ReasonCode.STAFF_OFF_SHIFT, **named)
    return ()


def why_not_this_work(member: Member, needs: Needs, on: date) -> Reasons:
    """Why somebody who works on a day may not do one piece of work: whom they must not handle, its
    skill, the certificate for that, and the capacity of their day."""
    named = {"staff": member.staff}
    if member.must_not_handle:
        return because(ReasonCode.STAFF_MUST_NOT_HANDLE, **named)
    if needs.skill is not None and needs.skill not in member.skills:
        return because(ReasonCode.STAFF_LACKS_SKILL, **named, skill=needs.skill)
    if needs.skill is not None and needs.certificate is not None:
        until = member.certificates.get(needs.certificate)
        if until is None or until < on:
            return because(
                ReasonCode.STAFF_NOT_CERTIFIED,
                **named,
                skill=needs.skill,
                certificate=needs.certificate,
            )
    if member.day is None or needs.begun:
        return ()
    day = member.day
    if day.pieces >= day.pieces_a_day:
        return because(ReasonCode.DAY_IS_FULL, count=day.pieces, capacity=day.pieces_a_day)
    if day.minutes_a_day is not None and day.minutes + needs.minutes > day.minutes_a_day:
        return because(ReasonCode.MINUTES_ARE_FULL, count=day.minutes, capacity=day.minutes_a_day)
    return ()


def why_hand_on(member: Member, now: datetime, until: datetime) -> HandOn | None:
    """Why the open calls of somebody go to others; None: they have working time up to `until`.

    `now` is an aware moment in the lender's zone, and `until` the end of its business day.
    """
    if member.left_on is not None and member.left_on <= now.date():
        return HandOn.LEFT
    if not member.makes_calls:
        return HandOn.MAKES_NO_CALLS
    if not is_trained(member.trained_on, now.date()):
        return HandOn.NOT_CERTIFIED
    if member.shifts is None:
        return None
    ahead = [
        Span(max(shift.starts_at, now), min(shift.ends_at, until))
        for shift in member.shifts
        if shift.ends_at > now and shift.starts_at < until
    ]
    if at_work(ahead, member.absences):
        return None
    away = ahead or any(absence.at(now) for absence in member.absences)
    return HandOn.ABSENT if away else HandOn.SHIFT_OVER


def why_not_visit(member: Member, visit: Span, on: date) -> HandOn | None:
    """Why somebody cannot make a visit on a day; None: they can.

    Its hours are in its notice, so a shift that was changed since does not call it off.
    """
    if member.left_on is not None and member.left_on <= on:
        return HandOn.LEFT
    if not is_trained(member.trained_on, on):
        return HandOn.NOT_CERTIFIED
    if member.must_not_handle:
        return HandOn.MUST_NOT_HANDLE
    if at_work([visit], member.absences) != (visit,):
        return HandOn.ABSENT
    return None


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What a kind of call takes and needs."""

    minutes: int
    """Expected, with what is written down afterwards."""
    skill: str | None = None
    must_do: bool = False
    """Whether it is assigned before calls of any value, where there is no time for all."""


@dataclass(frozen=True, slots=True)
class VisitTerms:
    """What a visit takes of the day of each of its visitors, in minutes."""

    minutes: int
    """Expected at the door, with what is written down afterwards."""
    way_minutes: int = 0
    """Expected to get there."""

    @property
    def whole(self) -> int:
        return self.minutes + self.way_minutes


@dataclass(frozen=True, slots=True)
class StaffingTerms:
    """What work takes and needs, as the lender's policy says."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    otherwise: CallTerms
    """Of a call that no other entry is about."""
    of_steps: Mapping[str, CallTerms] = field(default_factory=dict)
    """By the step of the ladder."""
    of_items: Mapping[str, CallTerms] = field(default_factory=dict)
    """By the item of the ladder, which comes before its step."""
    reply_minutes: int = 5
    visit: VisitTerms | None = None
    """None: visits are counted by their number alone."""
    certificates: Mapping[str, str] = field(default_factory=dict)
    """By the skill, the certificate without which it does not count."""
    holds: Mapping[HoldKind, HoldLimit] = field(default_factory=dict)
    """By kind, how long somebody may pause a ladder, where it is not as usual."""

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    @property
    def visit_minutes(self) -> int:
        """What a visit takes of the day of each visitor; 0: only the number of visits counts."""
        return self.visit.whole if self.visit else 0

    @property
    def skills(self) -> frozenset[str]:
        """All that calls may need, and those that a certificate stands for."""
        calls = (self.otherwise, *self.of_steps.values(), *self.of_items.values())
        return frozenset(each.skill for each in calls if each.skill).union(self.certificates)

    def limit_of(self, kind: HoldKind) -> HoldLimit:
        """How long somebody may pause a ladder with a hold of a kind."""
        return self.holds.get(kind, HOLD_LIMITS[kind])

    def of_call(self, step: str, item: str) -> CallTerms:
        return self.of_items.get(item) or self.of_steps.get(step) or self.otherwise

    def needs_of(self, step: str, item: str, *, begun: bool = False) -> Needs:
        """What a call for an item of the ladder needs of whoever makes it."""
        terms = self.of_call(step, item)
        certificate = self.certificates.get(terms.skill) if terms.skill else None
        return Needs(terms.skill, certificate, terms.minutes, begun)

    def skills_on(
        self, day: date, skills: Collection[str], certificates: Mapping[str, date]
    ) -> frozenset[str]:
        """The skills that count on a day: without those whose certificate is missing or over."""
        return frozenset(
            skill
            for skill in skills
            if (needed := self.certificates.get(skill)) is None
            or ((until := certificates.get(needed)) is not None and day <= until)
        )


def terms_on(terms: Sequence[StaffingTerms], day: date) -> StaffingTerms:
    """The terms in force on a day: the newest version. Without any, a call takes five minutes and
    no skill."""
    in_force = [
        each
        for each in terms
        if each.effective_from <= day and (each.effective_to is None or day <= each.effective_to)
    ]
    return max(in_force, key=lambda each: each.version, default=NO_TERMS)


NO_TERMS = StaffingTerms("none", 1, date.min, None, CallTerms(5))
"""What holds where a lender has no policy for it."""
