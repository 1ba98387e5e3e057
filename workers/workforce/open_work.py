"""The open work of staff that nobody has begun, and what is known of who has it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actors import Role
from domain.collectors import Span
from domain.staffing import Absence, Member
from workers.db.kept_away import is_kept_away_sql
from workers.db.served_work import ON_THE_PHONE
from workers.db.typed_rows import typed_rows


class OpenCall(NamedTuple):
    """A row of a call that is assigned and not being made."""

    call_id: int
    action_id: int
    staff_id: int
    assigned_at: datetime
    minutes: int | None
    """Null of an old call, and of another loan's row of the same call."""
    share: int | None
    barred: bool
    """Whether its collector must not handle the person."""
    callback_at: datetime | None
    """When the person asked to be called again, if that is still to come."""


class OpenVisit(NamedTuple):
    """A visitor of a visit that was not begun and is not over."""

    visit_id: int
    action_id: int
    staff_id: int
    starts_at: datetime
    ends_at: datetime
    barred: bool


_OF_WHOM = """
      JOIN loan l ON l.id = a.loan_id
      LEFT JOIN loan_party q ON q.id = a.party_id
      JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)"""

# A call that is being made stays with whoever makes it: its outcome is theirs to report. Nobody
# is on the line for as long as `ON_THE_PHONE`; whoever gets it then reports what is known.
_CALLS = text(f"""
SELECT c.id AS call_id, c.action_id, c.staff_id, c.assigned_at, c.minutes, c.share,
       {is_kept_away_sql("c.staff_id", "b.person_id")} AS barred,
       (SELECT o.callback_at FROM contact k JOIN contact_outcome o ON o.contact_id = k.id
         WHERE k.action_id = c.action_id AND o.callback_at > :now
         ORDER BY k.id DESC LIMIT 1) AS callback_at
  FROM action a
      JOIN call c ON c.action_id = a.id AND c.cancelled_at IS NULL
      {_OF_WHOM}
 WHERE a.status = 'assigned' AND a.type = 'assign_call'
   AND (CAST(:staff AS bigint) IS NULL OR c.staff_id = :staff)
   AND NOT EXISTS (
       SELECT FROM contact k
        WHERE k.action_id IN (SELECT p.action_id FROM call p
                               WHERE coalesce(p.part_of, p.id) = coalesce(c.part_of, c.id))
          AND k.attempt IS NOT NULL AND k.inbound IS NOT TRUE AND k.at > :on_the_phone
          AND NOT EXISTS (SELECT FROM contact_outcome o
                           WHERE o.contact_id = coalesce(k.part_of, k.id)))
 ORDER BY c.id
""")  # noqa: S608 the parts are constants

_VISITS = text(f"""
SELECT v.id AS visit_id, v.action_id, vs.staff_id, v.starts_at, v.ends_at,
       {is_kept_away_sql("vs.staff_id", "b.person_id")} AS barred
  FROM action a
      JOIN visit v ON v.action_id = a.id AND v.cancelled_at IS NULL
      JOIN visit_staff vs ON vs.visit_id = v.id AND vs.cancelled_at IS NULL
      {_OF_WHOM}
 WHERE a.status = 'assigned' AND a.type = 'schedule_visit'
   AND v.started_at IS NULL AND v.ends_at > :now
   AND (CAST(:staff AS bigint) IS NULL OR vs.staff_id = :staff)
 ORDER BY v.id, vs.staff_id
""")  # noqa: S608 the parts are constants

_MEMBERS = text("""
SELECT id, external_id, roles, trained_on, left_on FROM staff WHERE id = ANY(:ids)
""")
_SHIFTS = text("""
SELECT staff_id, starts_at, ends_at FROM shift
 WHERE staff_id = ANY(:ids) AND ends_at > :now AND starts_at < :until
""")
_ROSTERED = text("""
SELECT s.id FROM staff s
 WHERE s.id = ANY(:ids) AND EXISTS (SELECT FROM shift h WHERE h.staff_id = s.id)
""")
_ABSENCES = text("""
SELECT staff_id, starts_at, ends_at FROM absence
 WHERE staff_id = ANY(:ids) AND coalesce(ends_at > :now, true)
 ORDER BY staff_id, starts_at
""")


def read_open_calls(connection: Connection, now: datetime, staff_id: int | None) -> list[OpenCall]:
    """The calls that nobody is making now: all of them, or those of one collector."""
    asked = {"now": now, "staff": staff_id, "on_the_phone": now - ON_THE_PHONE}
    found = connection.execute(_CALLS, asked)
    return typed_rows(OpenCall, found)


def read_open_visits(
    connection: Connection, now: datetime, staff_id: int | None
) -> list[OpenVisit]:
    """The visits that were not begun and are not over, with each of their visitors."""
    found = connection.execute(_VISITS, {"now": now, "staff": staff_id})
    return typed_rows(OpenVisit, found)


class _Known(NamedTuple):
    id: int
    external_id: str
    roles: list[str]
    trained_on: date | None
    left_on: date | None


def read_members(
    connection: Connection, ids: Collection[int], now: datetime, until: datetime
) -> dict[int, Member]:
    """What is known of members of staff, by id, with their shifts from now up to `until` and every
    absence that is not over. Four statements."""
    asked = {"ids": sorted(ids), "now": now, "until": until}
    known = typed_rows(_Known, connection.execute(_MEMBERS, asked))
    rostered = set(connection.execute(_ROSTERED, asked).scalars())
    shifts = defaultdict[int, list[Span]](list)
    for row in connection.execute(_SHIFTS, asked):
        shifts[row.staff_id].append(Span(row.starts_at, row.ends_at))
    absences = read_absences(connection, sorted(ids), now)
    return {
        member.id: Member(
            member.external_id,
            member.trained_on,
            member.left_on,
            tuple(shifts[member.id]) if member.id in rostered else None,
            absences.get(member.id, ()),
            makes_calls=Role.CALLER in member.roles,
        )
        for member in known
    }


def read_absences(
    connection: Connection, ids: Sequence[int], now: datetime
) -> dict[int, tuple[Absence, ...]]:
    """By member, the absences that are not over, in their order."""
    found = defaultdict[int, list[Absence]](list)
    for row in connection.execute(_ABSENCES, {"ids": list(ids), "now": now}):
        found[row.staff_id].append(Absence(row.starts_at, row.ends_at))
    return {staff_id: tuple(own) for staff_id, own in found.items()}
