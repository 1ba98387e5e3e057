"""Plan who gets which call: all calls that are due, at once, by the pure function.

One worker plans at a time. It locks no collector and no borrower, and gives nothing: each call is
given by its own task, which asks the gate and counts it on the collector's day. Its row of the plan
goes then. A plan is thrown away when who works changes, and made anew.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from domain.assignment import Assignment, assign
from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span, business_day, is_trained, speaks, years_after
from domain.compliance.call_windows import call_windows
from domain.compliance.rules import packs_for
from domain.reasons import ReasonCode, Reasons, because
from domain.staffing import CallTerms, StaffingTerms, terms_on
from workers.context import Context
from workers.db.callers import WORKS_ON, FreeCaller, read_callers
from workers.db.open_calls import CALL_TO_JOIN
from workers.db.schema import call_plan
from workers.db.spoken_language import spoken_language_of
from workers.db.typed_rows import columns_of, typed_row, typed_rows

SHIFTS_AHEAD = timedelta(days=7)
"""How far ahead to search for the next shift of a caller."""
MOST_CALLS = 10_000
"""Of one plan; the others are planned when these were given."""
GOOD_FOR = timedelta(minutes=30)
"""How long a planned call may wait for its task before it is planned anew."""
AVERAGE = 1000
"""The share of a call whose value is the mean of its currency."""

_PLANNER = text("SELECT pg_advisory_xact_lock(hashtextextended('plan calls', 4918))")

_SPOKEN = spoken_language_of(
    "b",
    "ARRAY(SELECT x.id FROM borrower x WHERE x.person_id = b.person_id)",
    "ARRAY[b.id]",
)
_DUE = text(f"""
WITH due AS (
    (SELECT id FROM action
      WHERE type = 'assign_call' AND status IN ('planned', 'deferred', 'failed')
        AND due_at <= :now
      ORDER BY due_at, id LIMIT :most)
    UNION SELECT id FROM action WHERE id = :asked AND status IN ('planned', 'deferred', 'failed')
)
SELECT a.id, a.step, a.item, b.person_id, l.jurisdiction, l.currency, b.zones,
       {_SPOKEN} AS language, coalesce(d.past_due, 0) AS past_due, joins.id AS joins,
       joins.staff_id AS joins_of, joins.minutes AS joins_minutes
  FROM due JOIN action a ON a.id = due.id
      LEFT JOIN decision d ON d.id = coalesce(
           a.decision_id, (SELECT max(n.id) FROM decision n WHERE n.loan_id = a.loan_id))
      JOIN loan l ON l.id = a.loan_id
      LEFT JOIN loan_party q ON q.id = a.party_id
      JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
      {CALL_TO_JOIN}
 ORDER BY a.due_at, a.id
""")  # noqa: S608 the part is a constant

# A callback was taken from its collector after its moment, and they have not called since.
_LATE = """
EXISTS (SELECT FROM borrower y
          JOIN contact r ON r.borrower_id = y.id AND r.actor = s.external_id AND r.at >= {since}
          JOIN contact_outcome ro ON ro.contact_id = r.id
          JOIN call rc ON rc.action_id = r.action_id AND rc.staff_id = s.id
               AND rc.cancelled_at > ro.callback_at
         WHERE y.person_id = {person})"""

_SPOKE_LAST = text(f"""
SELECT DISTINCT ON (b.person_id) b.person_id, s.id AS staff_id,
       {_LATE.format(since="k.at", person="b.person_id")} AS late
  FROM borrower b
      JOIN contact k ON k.borrower_id = b.id AND k.channel = 'call'
      JOIN contact_outcome o ON o.contact_id = coalesce(k.part_of, k.id) AND o.connected
      JOIN staff s ON s.external_id = k.actor
 WHERE b.person_id = ANY(:persons)
 ORDER BY b.person_id, k.at DESC, k.id DESC
""")  # noqa: S608 put together from constants

# Whoever has the person today: an open call, a call given today, or one that was made today. What
# was given or made holds the person only while its collector works and is not late with a callback.
_HOLDERS = text(f"""
SELECT DISTINCT held.person_id, held.staff_id
  FROM (
SELECT b.person_id, c.staff_id, a.status = 'assigned' AS open, c.assigned_at AS at
  FROM borrower b
      JOIN loan l ON l.borrower_id = b.id
      JOIN action a ON a.loan_id = l.id AND a.party_id IS NULL
      JOIN call c ON c.action_id = a.id AND c.cancelled_at IS NULL
 WHERE b.person_id = ANY(:persons) AND (a.status = 'assigned' OR c.assigned_at >= :today)
 UNION ALL
SELECT b.person_id, c.staff_id, a.status = 'assigned', c.assigned_at
  FROM borrower b
      JOIN loan_party q ON q.borrower_id = b.id
      JOIN action a ON a.party_id = q.id
      JOIN call c ON c.action_id = a.id AND c.cancelled_at IS NULL
 WHERE b.person_id = ANY(:persons) AND (a.status = 'assigned' OR c.assigned_at >= :today)
 UNION ALL
SELECT b.person_id, s.id, false, k.at
  FROM borrower b
      JOIN contact k ON k.borrower_id = b.id AND k.channel = 'call' AND k.at >= :today
       AND k.inbound IS NOT TRUE
      JOIN staff s ON s.external_id = k.actor
 WHERE b.person_id = ANY(:persons)
       ) held JOIN staff s ON s.id = held.staff_id
 WHERE held.open
    OR {WORKS_ON} AND NOT {_LATE.format(since="held.at", person="held.person_id")}
""")  # noqa: S608 put together from constants


class _Due(NamedTuple):
    id: int
    step: str
    item: str
    person_id: int
    jurisdiction: str
    currency: str
    zones: list[str]
    language: str
    past_due: Decimal
    joins: int | None
    """The open call to the person, which it becomes a part of if that one's collector can …"""
    joins_of: int | None
    """… that is this one …"""
    joins_minutes: int | None
    """… and is expected to take so many."""


class _SpokeLast(NamedTuple):
    staff_id: int
    late: bool
    """Whether the callback that they owed was taken from them."""


class PlannedCall(NamedTuple):
    """Who is to get a call, as it was planned last."""

    staff_id: int | None
    minutes: int
    share: int
    reason: Reasons
    """Of a call that nobody gets: the limit that binds."""
    due_at: datetime | None
    planned_at: datetime


def planned_call(connection: Connection, action_id: int, now: datetime) -> PlannedCall | None:
    """The plan of an action; None: there is none that can be used."""
    of_action = select(*columns_of(PlannedCall, call_plan)).where(
        call_plan.c.action_id == action_id, *_is_good(now)
    )
    return typed_row(PlannedCall, connection.execute(of_action))


def take_planned(
    connection: Connection, action_ids: Sequence[int], asked: int, now: datetime
) -> PlannedCall | None:
    """The plan of the action asked for; the rows of all that are one call with it go."""
    columns = (*columns_of(PlannedCall, call_plan), call_plan.c.action_id, call_plan.c.day)
    gone = connection.execute(
        delete(call_plan).where(call_plan.c.action_id.in_(action_ids)).returning(*columns)
    ).all()
    for row in gone:
        if row.action_id == asked and row.day == now.date():
            return PlannedCall(*row[: len(PlannedCall._fields)])
    return None


def others_have(connection: Connection, person_id: int, staff_id: int, now: datetime) -> bool:
    """Whether another collector has the person today already. The person is locked."""
    return any(id != staff_id for _, id in _holders(connection, [person_id], now))


def _is_good(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return call_plan.c.day == now.date(), call_plan.c.planned_at > now - GOOD_FOR


def plan_calls(ctx: Context, action_id: int, *, anew: bool = False) -> None:
    """Plan all calls that are due, unless this action's is planned already; `anew`: in any case.

    A bounded number of statements, however many calls and collectors there are.
    """
    with ctx.engine.begin() as connection:
        connection.execute(_PLANNER)
        now = ctx.now()
        if not anew and planned_call(connection, action_id, now) is not None:
            return
        asked = {"now": now, "asked": action_id, "most": MOST_CALLS}
        due = typed_rows(_Due, connection.execute(_DUE, asked))
        if not due:
            return
        today = business_day(now)
        terms = terms_on(ctx.policy.staffing, now.date())
        callers = read_callers(connection, now.date(), now, now + SHIFTS_AHEAD)
        persons = sorted({row.person_id for row in due})
        spoke = {
            row.person_id: _SpokeLast(row.staff_id, row.late)
            for row in connection.execute(_SPOKE_LAST, {"persons": persons})
        }
        holders = defaultdict[int, set[int]](set)
        for person, staff_id in _holders(connection, persons, now):
            holders[person].add(staff_id)
        plan = _Plan(ctx, now, today, terms, due, callers, spoke, holders)
        _store(connection, plan.rows(), now)


def _holders(
    connection: Connection, persons: Sequence[int], now: datetime
) -> list[tuple[int, int]]:
    today = business_day(now)
    values = {
        "persons": list(persons),
        "today": today.starts_at,
        "day": now.date(),
        "now": now,
        "until": today.ends_at,
    }
    return [(row.person_id, row.staff_id) for row in connection.execute(_HOLDERS, values)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What makes calls to one person one and the same for planning."""

    skill: str | None
    language: str


class _Plan:
    """The calls and the collectors of a day as the pure function takes them, and its result."""

    def __init__(
        self,
        ctx: Context,
        now: datetime,
        today: Span,
        terms: StaffingTerms,
        due: Sequence[_Due],
        callers: Sequence[FreeCaller],
        spoke: dict[int, _SpokeLast],
        holders: dict[int, set[int]],
    ) -> None:
        self.ctx, self.now, self.today, self.terms = ctx, now, today, terms
        self.callers = callers
        self.spoke, self.holders = spoke, holders
        self.of_person = defaultdict[int, list[_Due]](list)
        for row in due:
            self.of_person[row.person_id].append(row)
        self.shares = _shares(due)
        self.windows: dict[tuple[str, tuple[str, ...]], tuple[Span, ...]] = {}
        self.actions: dict[int, list[_Due]] = {}
        """Of each person, those that the one planned call is about."""

    def rows(self) -> list[dict[str, Any]]:
        joining = self._joining()
        calls = [self._call(person, rows) for person, rows in sorted(self.of_person.items())]
        possible = [call for call in calls if call is not None]
        found = assign(possible, self._callers(), self.now.date())
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
        """What becomes part of a call that the person's collector has already: it is no other piece
        of work, and takes only the time by which it is longer. It is planned no more otherwise."""
        callers = {each.id: each for each in self.callers}
        left = {each.id: self._caller(each).capacity for each in self.callers}
        rows = []
        for person, of_person in list(self.of_person.items()):
            apart = []
            for row in of_person:
                minutes = self.terms.of_call(row.step, row.item).minutes
                longer = max(0, minutes - (row.joins_minutes or 0))
                who = callers.get(row.joins_of or 0)
                if who is None or longer > left[who.id] or not self._can(who, row):
                    apart.append(row)
                    continue
                left[who.id] -= longer
                rows.append(
                    {
                        **self._row(row, None, who.id),
                        "minutes": minutes,
                        "share": self.shares[row.id],
                    }
                )
            self.of_person[person] = apart
            if not apart:
                del self.of_person[person]
        return rows

    def _can(self, who: FreeCaller, row: _Due) -> bool:
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
        action: _Due,
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

    def _call(self, person: int, rows: Sequence[_Due]) -> PersonCall | None:
        """The one call of a person: about what is due first, and all that is of its kind."""
        holders = self.holders.get(person, set())
        if len(holders) > 1:
            return None  # two have the person already: nobody else does today
        kind = self._kind(rows[0])
        own = [row for row in rows if self._kind(row) == kind]
        self.actions[person] = own
        # Loans of one step are one call. What is due of another step is another call.
        by_step: dict[tuple[str, str], CallTerms] = {}
        for row in own:
            terms = self.terms.of_call(row.step, row.item)
            known = by_step.setdefault((row.step, row.currency), terms)
            if known.minutes < terms.minutes:
                by_step[row.step, row.currency] = terms
        last = self.spoke.get(person)
        return PersonCall(
            person=person,
            windows=self._windows(rows[0]),
            language=kind.language,
            minutes=max(terms.minutes for terms in by_step.values()),
            value=Decimal(sum(self.shares[row.id] for row in own)),
            skill=kind.skill,
            spoke_last=last.staff_id if last and not last.late else None,
            late_with_it=last.staff_id if last and last.late else None,
            handled_today_by=next(iter(holders), None),
            loans=tuple(row.id for row in own),
        )

    def _kind(self, row: _Due) -> _Kind:
        return _Kind(self.terms.of_call(row.step, row.item).skill, row.language)

    def _windows(self, row: _Due) -> tuple[Span, ...]:
        key = row.jurisdiction, tuple(row.zones)
        if key not in self.windows:
            packs = packs_for(self.ctx.policy.rule_packs, row.jurisdiction)
            within = Span(self.now, self.today.ends_at)
            self.windows[key] = call_windows(packs, row.zones, within)
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


def _shares(due: Sequence[_Due]) -> dict[int, int]:
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


def _store(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    connection.execute(delete(call_plan).where(call_plan.c.day < now.date()))
    ordered = sorted(rows, key=lambda row: row["action_id"])
    for start in range(0, len(ordered), 1000):
        given = insert(call_plan).values(ordered[start : start + 1000])
        connection.execute(
            given.on_conflict_do_update(
                index_elements=[call_plan.c.action_id],
                set_={
                    column.name: given.excluded[column.name]
                    for column in call_plan.c
                    if column.name != "action_id"
                },
            )
        )
