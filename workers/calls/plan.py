"""Plan who gets which call: all calls that are due at once, by `domain.assignment`.

One worker plans at a time. It locks no collector and no borrower, and gives nothing: each call is
given by its own task, which asks the gate, counts the call on the collector's day and deletes its
row of the plan. When it changes who works, the plan is thrown away and made anew.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from domain.assignment import Assignment, assign
from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span, business_day, is_trained, speaks, years_after
from domain.compliance.call_windows import call_windows
from domain.compliance.rules import packs_for
from domain.reasons import ReasonCode, Reasons, because
from domain.staffing import StaffingTerms, terms_on
from workers.context import Context
from workers.db.callers import FreeCaller, read_callers
from workers.db.calls_to_plan import DueCall, SpokeLast, due_calls, holders_of, spoke_last
from workers.db.planned_calls import planned_call, store_plan

log = logging.getLogger(__name__)

SHIFTS_AHEAD = timedelta(days=7)
"""How far ahead to search for the next shift of a caller."""
MOST_CALLS = 10_000
"""So many calls are planned at once; the others are planned after these have been given."""
AVERAGE = 1000
"""The share of a call whose value is the mean of its currency."""

_PLANNER = text("SELECT pg_advisory_xact_lock(hashtextextended('plan calls', 4918))")


def plan_calls(ctx: Context, action_id: int, *, anew: bool = False) -> None:
    """Plan all calls that are due, unless this action's is planned already; `anew`: in any case.

    A bounded number of statements, however many calls and collectors there are.
    """
    with ctx.engine.begin() as connection:
        connection.execute(_PLANNER)
        now = ctx.now()
        if not anew and planned_call(connection, action_id, now) is not None:
            return
        due = due_calls(connection, action_id, MOST_CALLS, now)
        if not due:
            return
        today = business_day(now)
        terms = terms_on(ctx.policy.staffing, now.date())
        callers = read_callers(connection, now, now + SHIFTS_AHEAD, terms.visit_minutes)
        persons = sorted({row.person_id for row in due})
        spoke = spoke_last(connection, persons)
        holders = defaultdict[int, set[int]](set)
        for person, staff_id in holders_of(connection, persons, now):
            holders[person].add(staff_id)
        plan = _Plan(ctx, now, today, terms, due, callers, spoke, holders)
        store_plan(connection, plan.rows(), now)
        _log_what_is_uneven(plan.uneven, callers)


def _log_what_is_uneven(uneven: Reasons, callers: Sequence[FreeCaller]) -> None:
    """Log, in one line, which limits keep whose shares away from those of their equals."""
    if not uneven:
        return
    references: dict[object, str] = {each.id: each.reference for each in callers}
    bound = defaultdict[str, list[str]](list)
    for reason in uneven:
        who, percent = references[reason.params["collector"]], int(str(reason.params["percent"]))
        bound[reason.code].append(f"{who} {percent:+} %")
    limits = "; ".join(f"{code}: {', '.join(shares)}" for code, shares in sorted(bound.items()))
    log.info("calls are planned; shares away from the mean of equals: %s", limits)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a call needs. Calls to one person that need the same are planned as one."""

    skill: str | None
    language: str


class _Plan:
    """The calls and the collectors of a day as `assign` takes them, and the rows of its result."""

    def __init__(
        self,
        ctx: Context,
        now: datetime,
        today: Span,
        terms: StaffingTerms,
        due: Sequence[DueCall],
        callers: Sequence[FreeCaller],
        spoke: dict[int, SpokeLast],
        holders: dict[int, set[int]],
    ) -> None:
        self.ctx, self.now, self.today, self.terms = ctx, now, today, terms
        self.callers = callers
        self.spoke, self.holders = spoke, holders
        self.of_person = defaultdict[int, list[DueCall]](list)
        for row in due:
            self.of_person[row.person_id].append(row)
        self.shares = _shares(due)
        self.windows: dict[tuple[str, str, tuple[str, ...]], tuple[Span, ...]] = {}
        self.actions: dict[int, list[DueCall]] = {}
        """By person: what the one planned call is about."""
        self.uneven: Reasons = ()
        """The limit that binds for each collector whose share is far from that of equals."""

    def rows(self) -> list[dict[str, Any]]:
        joining = self._joining()
        calls = [self._call(person, rows) for person, rows in sorted(self.of_person.items())]
        possible = [call for call in calls if call is not None]
        found = assign(possible, self._callers(), self.now.date())
        self.uneven = found.uneven
        by_person = {call.person: call for call in possible}
        rows = [
            self._row(action, by_person[given.person], given.collector)
            for given in found.given
            for action in self.actions[given.person]
        ]
        rows += self._left_over(found, by_person)
        rows += joining
        planned = {row["action_id"] for row in rows}
        later = because(ReasonCode.CALLER_OF_TODAY_CANNOT)
        for person, of_person in self.of_person.items():
            for action in of_person:
                if action.id not in planned:
                    call = by_person.get(person)
                    rows.append(self._row(action, call, None, later, self.today.ends_at))
        return rows

    def _joining(self) -> list[dict[str, Any]]:
        """What becomes part of a call that a collector of the person has already.

        It is no other piece of work, and takes only the time by which it is longer than that call.
        Only the rest stays in `of_person`.
        """
        callers = {each.id: each for each in self.callers}
        left = {each.id: self._caller(each).capacity for each in self.callers}
        rows = []
        for person, of_person in list(self.of_person.items()):
            apart = []
            for row in of_person:
                minutes = self._minutes(row)
                longer = max(0, minutes - (row.joins_minutes or 0))
                who = callers.get(row.joins_of or 0)
                if who is None or longer > left[who.id] or not self._can(who, row):
                    apart.append(row)
                    continue
                left[who.id] -= longer
                own = {"minutes": minutes, "share": self.shares[row.id]}
                rows.append(self._row(row, None, who.id) | own)
            self.of_person[person] = apart
            if not apart:
                del self.of_person[person]
        return rows

    def _can(self, who: FreeCaller, row: DueCall) -> bool:
        today = self.now.date()
        kind = self._kind(row)
        return (
            any(span.starts_at < self.today.ends_at for span in who.working)
            and is_trained(who.trained_on, today)
            and speaks(who.languages, kind.language)
            and row.person_id not in who.must_not_handle
            and kind.skill in {None, *self.terms.skills_on(today, who.skills, who.certificates)}
        )

    def _left_over(
        self, found: Assignment, by_person: dict[int, PersonCall]
    ) -> list[dict[str, Any]]:
        return [
            self._row(action, call, None, left.reason, self._free_from(call))
            for left in found.left_over
            for call in [by_person[left.person]]
            for action in self.actions[left.person]
        ]

    def _row(
        self,
        action: DueCall,
        call: PersonCall | None,
        staff_id: int | None,
        reason: Reasons = (),
        due_at: datetime | None = None,
    ) -> dict[str, Any]:
        return {
            "action_id": action.id,
            "staff_id": staff_id,
            "day": self.now.date(),
            "minutes": call.minutes if call else self.terms.otherwise.minutes,
            "share": int(call.value) if call else 0,
            "reason": reason or None,
            "due_at": due_at,
            "planned_at": self.now,
        }

    def _call(self, person: int, rows: Sequence[DueCall]) -> PersonCall | None:
        """The one call of a person: what is due first, and all other that is of its kind. None: two
        collectors have the person, so nobody else calls today."""
        holders = self.holders.get(person, set())
        if len(holders) > 1:
            return None
        kind = self._kind(rows[0])
        own = [row for row in rows if self._kind(row) == kind]
        self.actions[person] = own
        last = self.spoke.get(person)
        return PersonCall(
            person=person,
            windows=self._windows(rows[0]),
            language=kind.language,
            minutes=max(self._minutes(row) for row in own),
            value=Decimal(sum(self.shares[row.id] for row in own)),
            skill=kind.skill,
            must_do=any(self.terms.of_call(row.step, row.item).must_do for row in own),
            spoke_last=last.staff_id if last and not last.late else None,
            late_with_it=last.staff_id if last and last.late else None,
            handled_today_by=next(iter(holders), None),
            loans=tuple(row.id for row in own),
        )

    def _minutes(self, row: DueCall) -> int:
        return self.terms.of_call(row.step, row.item).minutes

    def _kind(self, row: DueCall) -> _Kind:
        return _Kind(self.terms.of_call(row.step, row.item).skill, row.language)

    def _windows(self, row: DueCall) -> tuple[Span, ...]:
        key = row.jurisdiction, row.product, tuple(row.zones)
        if key not in self.windows:
            packs = packs_for(self.ctx.policy.rule_packs, row.jurisdiction)
            within = Span(self.now, self.today.ends_at)
            self.windows[key] = call_windows(packs, row.zones, within, row.product)
        return self.windows[key]

    def _callers(self) -> list[Caller]:
        return [self._caller(each) for each in self.callers]

    def _caller(self, each: FreeCaller) -> Caller:
        today = tuple(
            Span(span.starts_at, min(span.ends_at, self.today.ends_at))
            for span in each.working
            if span.starts_at < self.today.ends_at
        )
        working = sum(int((span.ends_at - span.starts_at).total_seconds()) // 60 for span in today)
        left = max(0, working - each.open_minutes)
        if each.minutes_a_day is not None:
            left = min(left, max(0, each.minutes_a_day - each.minutes))
        certified = self._certified_until(each)
        return Caller(
            id=each.id,
            shifts=today,
            breaks=(),
            languages=each.languages,
            skills=self.terms.skills_on(self.now.date(), each.skills, each.certificates),
            capacity=left,
            certified_until=certified,
            must_not_handle=each.must_not_handle,
            most_calls=max(0, each.pieces_a_day - each.pieces),
            given=Decimal(each.share),
            weight=each.minutes_a_day or each.pieces_a_day,
        )

    def _certified_until(self, each: FreeCaller) -> date | None:
        if each.trained_on is None or each.trained_on > self.now.date():
            return None
        return years_after(each.trained_on, 1)

    def _free_from(self, call: PersonCall) -> datetime:
        """When somebody who can make the call works again, on another day; else tomorrow."""
        starts = [
            span.starts_at
            for each in self.callers
            if speaks(each.languages, call.language)
            and call.person not in each.must_not_handle
            and each.pieces_a_day > 0
            and (call.skill is None or call.skill in each.skills)
            for span in each.working
            if span.starts_at >= self.today.ends_at
            and is_trained(each.trained_on, span.starts_at.astimezone(self.now.tzinfo).date())
        ]
        return min(starts, default=self.today.ends_at)


def _shares(due: Sequence[DueCall]) -> dict[int, int]:
    """The value of each action: what is past due, against the mean of its currency.

    Amounts of two currencies cannot be compared, and no rate between them is known.
    """
    amounts = defaultdict[str, list[Decimal]](list)
    for row in due:
        amounts[row.currency].append(row.past_due)
    means = {currency: sum(each, Decimal(0)) / len(each) for currency, each in amounts.items()}
    return {
        row.id: int(AVERAGE * row.past_due / means[row.currency]) if means[row.currency] else 0
        for row in due
    }
