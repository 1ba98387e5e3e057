"""What decides whether somebody may do a piece of work now, read from the records."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.collectors import Span, business_day
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from domain.staffing import (
    ANYBODY,
    Absence,
    DayDone,
    Member,
    StaffingTerms,
    why_may_not_start,
)
from workers.db.kept_away import is_kept_away_sql
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_row
from workers.db.visit_hours import at_visit_of, visits_of_day

_SPANS = text(f"""
SELECT starts_at, ends_at, 'shift' AS what FROM shift
 WHERE staff_id = :staff AND starts_at <= :now AND ends_at > :now
 UNION ALL
SELECT starts_at, ends_at, 'absence' FROM absence
 WHERE staff_id = :staff AND starts_at <= :now AND coalesce(ends_at > :now, true)
 UNION ALL
SELECT h.starts_at, h.ends_at, 'visit' FROM {at_visit_of("CAST(:staff AS bigint)")}
 UNION ALL
(SELECT starts_at, ends_at, 'rostered' FROM shift WHERE staff_id = :staff LIMIT 1)
""")  # noqa: S608 put together from constants


class MayNotStartError(RefusedError):
    """Whoever is to do a piece of work may not do it now."""


_MEMBER = prepared(
    text(f"""
SELECT s.id, s.external_id, s.trained_on, s.left_on, s.skills, s.daily_capacity, s.minutes_a_day,
       (SELECT coalesce(json_object_agg(t.kind, t.valid_until), '{{}}')
          FROM certificate t WHERE t.staff_id = s.id) AS certificates,
       {is_kept_away_sql("s.id", "ANY(:persons)")} AS barred,
       {visits_of_day("s.id")} AS visits, begun.actions, begun.minutes
  FROM staff s CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(k.action_id), '{{}}') AS actions,
              coalesce(sum(k.minutes), 0) AS minutes
         FROM (SELECT DISTINCT ON (c.action_id) c.action_id, coalesce(f.minutes, 0) AS minutes
                 FROM contact c LEFT JOIN call k ON k.action_id = c.action_id
                      LEFT JOIN call f ON f.id = coalesce(k.part_of, k.id)
                WHERE c.actor = s.external_id AND c.at >= :day_starts AND c.attempt IS NOT NULL
                  AND c.channel = 'call' AND c.inbound IS NOT TRUE AND c.action_id IS NOT NULL
                ORDER BY c.action_id, k.id DESC) k) begun
 WHERE s.external_id = :reference
""")  # noqa: S608 put together from constants
)


class _Row(NamedTuple):
    id: int
    external_id: str
    trained_on: date | None
    left_on: date | None
    skills: list[str] | None
    daily_capacity: int
    minutes_a_day: int | None
    certificates: dict[str, str]
    barred: bool
    visits: int
    actions: list[int]
    """Whose calls they began today."""
    minutes: int


class _Known(NamedTuple):
    member: Member
    actions: frozenset[int]
    """Whose calls they began today."""
    visits: int
    """So many they have today."""
    visit_until: datetime | None
    """When the visit ends that they are on now."""


def _read(
    connection: Connection, reference: str, now: datetime, person_ids: Collection[int]
) -> _Known | None:
    day = business_day(now)
    asked = {
        "reference": reference,
        "persons": list(person_ids),
        "day_starts": day.starts_at,
        "day_ends": day.ends_at,
    }
    row = typed_row(_Row, connection.execute(_MEMBER, asked))
    if row is None:
        return None
    spans = connection.execute(_SPANS, {"staff": row.id, "now": now}).all()
    rostered = any(span.what == "rostered" for span in spans)
    member = Member(
        row.external_id,
        row.trained_on,
        row.left_on,
        tuple(Span(s.starts_at, s.ends_at) for s in spans if s.what == "shift")
        if rostered
        else None,
        tuple(Absence(s.starts_at, s.ends_at) for s in spans if s.what == "absence"),
        row.barred,
        frozenset(row.skills or ()),
        {kind: date.fromisoformat(until) for kind, until in row.certificates.items()},
        DayDone(len(row.actions) + row.visits, row.minutes, row.daily_capacity, row.minutes_a_day),
    )
    visits = [span.ends_at for span in spans if span.what == "visit"]
    return _Known(member, frozenset(row.actions), row.visits, max(visits, default=None))


def read_member(
    connection: Connection, reference: str, now: datetime, person_ids: Collection[int] = ()
) -> Member | None:
    """What is known of a member of staff now; None: nobody has the reference.

    `person_ids` are those whom the work is about. Two statements.
    """
    known = _read(connection, reference, now, person_ids)
    return known.member if known else None


@dataclass(frozen=True, slots=True)
class CallToStart:
    """A call that somebody wants to start, as far as it decides whether they may."""

    terms: StaffingTerms
    items: Sequence[tuple[str, str]]
    """Step and item of all that it is about. The first one is the item of the call."""
    action_ids: Collection[int]
    """The actions that it may be about."""
    is_theirs: bool = True
    """Whether the caller was given it. If they help a colleague, their capacity does not matter."""


def refuse_who_may_not(
    connection: Connection,
    reference: str,
    now: datetime,
    person_ids: Collection[int],
    call: CallToStart | None = None,
) -> Member | None:
    """Refuse the start of a call or a visit by somebody who may not do it now. Returns what is
    known of them; None: nobody has the reference.

    They may not if they left, are not trained, are absent or off shift, or must not handle the
    person. A call may not start during a visit of theirs either, nor without the skill and the
    certificate for its first item, nor when the day is full: their visits use a part of it, and
    the call takes the time of its longest item. `now` is in the lender's zone.

    Raises:
        MayNotStartError: they may not, with the reason.
    """
    known = _read(connection, reference, now, person_ids)
    if known is None:
        return None
    member, needs = known.member, ANYBODY
    if call is not None:
        begun = not known.actions.isdisjoint(call.action_ids)
        needs = call.terms.needs_of(*call.items[0], begun=begun)
        longest = max(call.terms.of_call(*each).minutes for each in call.items)
        needs = replace(needs, minutes=longest)
    if call is None or not call.is_theirs or member.day is None:
        member = replace(member, day=None)
    else:
        of_visits = known.visits * call.terms.visit_minutes
        minutes = member.day.minutes + of_visits
        member = replace(member, day=replace(member.day, minutes=minutes))
    why = why_may_not_start(member, now, needs)
    if not why and call is not None and known.visit_until is not None:
        until = known.visit_until.astimezone(now.tzinfo)
        why = because(ReasonCode.STAFF_ON_VISIT, staff=member.staff, until=until)
    if why:
        raise MayNotStartError(speak(why), why)
    return member
