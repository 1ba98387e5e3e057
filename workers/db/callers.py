"""Who can be given calls and replies today, and what each was given already.

Nobody is locked: what a collector is given is guarded by the one row of the collector and the day.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actors import Role
from domain.collectors import Span, business_day
from domain.staffing import Absence, at_work
from workers.db.kept_away import is_kept_away_sql, persons_kept_from_sql
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_rows
from workers.db.visit_hours import AT_VISIT, visits_of_day

_CALLERS = text(f"""
SELECT s.id, s.external_id AS reference, s.languages, s.skills, s.trained_on, s.daily_capacity,
       s.minutes_a_day,
       coalesce(d.pieces, 0) AS pieces, coalesce(d.minutes, 0) AS minutes,
       coalesce(d.share, 0) AS share, {visits_of_day("s.id")} AS visits,
       coalesce((SELECT sum(coalesce(c.minutes, 0))
                   FROM call c JOIN action a ON a.id = c.action_id
                  WHERE a.status = 'assigned' AND c.staff_id = s.id
                    AND c.cancelled_at IS NULL AND c.part_of IS NULL), 0) AS open_minutes,
       (SELECT coalesce(json_object_agg(t.kind, t.valid_until), '{{}}')
          FROM certificate t WHERE t.staff_id = s.id) AS certificates,
       ARRAY({persons_kept_from_sql("s.id")}) AS barred
  FROM staff s LEFT JOIN collector_day d ON d.staff_id = s.id AND d.day = :day
 WHERE s.roles @> ARRAY[CAST(:role AS text)] AND (s.left_on IS NULL OR s.left_on > :day)
 ORDER BY s.id
""")  # noqa: S608 put together from constants
_SPANS = text(f"""
SELECT staff_id, starts_at, ends_at, true AS works FROM shift
 WHERE staff_id = ANY(:ids) AND ends_at > :now AND starts_at < :until
 UNION ALL
SELECT staff_id, starts_at, ends_at, false FROM absence
 WHERE staff_id = ANY(:ids) AND coalesce(ends_at > :now, true) AND starts_at < :until
 UNION ALL
SELECT h.staff_id, h.starts_at, h.ends_at, false FROM {AT_VISIT}
   AND h.staff_id = ANY(:ids)
   AND tstzrange(h.starts_at, h.ends_at) && tstzrange(:now, :until)
""")  # noqa: S608 put together from constants


class _Row(NamedTuple):
    id: int
    reference: str
    languages: list[str]
    skills: list[str] | None
    trained_on: date | None
    daily_capacity: int
    minutes_a_day: int | None
    pieces: int
    minutes: int
    share: int
    visits: int
    open_minutes: int
    certificates: dict[str, str]
    barred: list[int]


@dataclass(frozen=True, slots=True)
class FreeCaller:
    """A collector, when they work from now on, and what is left of their day."""

    id: int
    reference: str
    """The lender's own."""
    languages: tuple[str, ...]
    skills: tuple[str, ...]
    certificates: Mapping[str, date]
    """By kind, the last day."""
    trained_on: date | None
    pieces_a_day: int
    minutes_a_day: int | None
    pieces: int
    """Calls and replies given today, and visits of today."""
    minutes: int
    """They are expected to take so many."""
    share: int
    """Of the value of calls, given today; 1000 is an average call."""
    open_minutes: int
    """Of calls that they have and did not make yet, of whatever day."""
    working: tuple[Span, ...]
    """From now on, without absences and visits, in their order."""
    must_not_handle: frozenset[int]
    """Persons."""


def read_callers(
    connection: Connection, now: datetime, until: datetime, visit_minutes: int
) -> list[FreeCaller]:
    """All callers, with their working time from `now` up to `until`: shifts without absences, and
    without the hours of their visits. Each visit takes `visit_minutes` of its day. Two statements.
    """
    asked = {"day": now.date(), "role": Role.CALLER} | _day_of(now)
    rows = typed_rows(_Row, connection.execute(_CALLERS, asked))
    shifts = defaultdict[int, list[Span]](list)
    absences = defaultdict[int, list[Absence]](list)
    values = {"ids": [row.id for row in rows], "now": now, "until": until}
    for staff_id, starts_at, ends_at, works in connection.execute(_SPANS, values):
        if works:
            shifts[staff_id].append(Span(max(starts_at, now), ends_at))
        else:
            absences[staff_id].append(Absence(starts_at, ends_at))
    return [
        FreeCaller(
            id=row.id,
            reference=row.reference,
            languages=tuple(row.languages),
            skills=tuple(row.skills or ()),
            certificates={k: date.fromisoformat(v) for k, v in row.certificates.items()},
            trained_on=row.trained_on,
            pieces_a_day=row.daily_capacity,
            minutes_a_day=row.minutes_a_day,
            pieces=row.pieces + row.visits,
            minutes=row.minutes + row.visits * visit_minutes,
            share=row.share,
            open_minutes=row.open_minutes,
            working=at_work(shifts[row.id], absences[row.id]),
            must_not_handle=frozenset(row.barred),
        )
        for row in rows
    ]


def _day_of(now: datetime) -> dict[str, datetime]:
    day = business_day(now)
    return {"day_starts": day.starts_at, "day_ends": day.ends_at}


WORKS_ON = """
(s.left_on IS NULL OR s.left_on > :day)
   AND EXISTS (SELECT FROM shift h
                WHERE h.staff_id = s.id AND h.ends_at > :now AND h.starts_at < :until
                  AND NOT EXISTS (SELECT FROM absence x
                                   WHERE x.staff_id = s.id
                                     AND x.starts_at <= greatest(h.starts_at, :now)
                                     AND coalesce(x.ends_at >= h.ends_at, true)))"""
"""Whether the member of staff `s` has working time left from `:now` up to `:until` on `:day`."""

# One row of one collector and one day: the only lock. Whoever comes second counts what came first.
_GIVE = prepared(
    text(f"""
WITH visits AS (
    SELECT v.number, v.number * CAST(:visit_minutes AS integer) AS minutes
      FROM (SELECT {visits_of_day("CAST(:staff AS bigint)")} AS number) v
)
INSERT INTO collector_day AS d (staff_id, day, pieces, minutes, share)
SELECT s.id, CAST(:day AS date), 1, CAST(:minutes AS integer), CAST(:share AS integer)
  FROM staff s, visits v
 WHERE s.id = :staff AND s.daily_capacity > v.number
   AND coalesce(s.minutes_a_day >= v.minutes + :minutes, true)
   AND {WORKS_ON}
   AND NOT {is_kept_away_sql("s.id", ":person")}
    ON CONFLICT (staff_id, day) DO UPDATE
   SET pieces = d.pieces + 1, minutes = d.minutes + EXCLUDED.minutes,
       share = d.share + EXCLUDED.share
 WHERE d.pieces < (SELECT s.daily_capacity - v.number FROM staff s, visits v
                     WHERE s.id = d.staff_id)
   AND coalesce(d.minutes + EXCLUDED.minutes
                    <= (SELECT s.minutes_a_day - v.minutes FROM staff s, visits v
                         WHERE s.id = d.staff_id), true)
RETURNING d.staff_id
""")  # noqa: S608 put together from constants
)


def give(
    connection: Connection,
    staff_id: int,
    person_id: int,
    *,
    minutes: int,
    share: int,
    visit_minutes: int,
    now: datetime,
    until: datetime,
) -> bool:
    """Count a call or a reply on a collector's day. False, and nothing is counted, if the day is
    full, if they must not handle the person, or if they work no more up to `until`, the end of the
    day.

    Their visits of the day take `visit_minutes` each. They were known before its first call."""
    values = {
        "staff": staff_id,
        "person": person_id,
        "day": now.date(),
        "minutes": minutes,
        "share": share,
        "visit_minutes": visit_minutes,
        "now": now,
        "until": until,
        **_day_of(now),
    }
    return connection.execute(_GIVE, values).first() is not None
