"""The leases under which work is served: the rows of `work_lease`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from domain.actors import Actor
from domain.next_work import UNFINISHED, LeaseEnd
from domain.outcome_follows import Owner
from domain.reasons import Reasons
from workers.db.bulk import as_json
from workers.db.prepared_statements import prepared
from workers.db.schema.base import ReasonsColumn
from workers.db.served_work import OpenAttempt
from workers.db.typed_rows import typed_row, typed_rows
from workers.db.who_acted import person_in


class Lease(NamedTuple):
    """Work that a collector was served and that has no end yet."""

    id: int
    staff_id: int
    staff: str
    borrower_id: int
    person_id: int
    loan_id: int | None
    call_id: int | None
    reply_id: int | None
    duty_id: int | None
    served_at: datetime
    until: datetime
    band: str
    finished: bool
    """Whether what was to be done is done, or is nobody's or somebody else's work by now."""
    why: Reasons


_FINISHED = f"""
       CASE WHEN w.duty_id IS NOT NULL
            THEN d.ended_at IS NOT NULL OR coalesce({person_in("d.staff")} <> s.external_id, false)
            WHEN w.reply_id IS NOT NULL
            THEN r.handled_at IS NOT NULL OR r.staff_id IS DISTINCT FROM w.staff_id
            ELSE coalesce(c.ended_at IS NOT NULL OR c.cancelled_at IS NOT NULL
                          OR c.staff_id <> w.staff_id, true)
                 OR EXISTS (SELECT FROM contact x JOIN contact_outcome o ON o.contact_id = x.id
                             WHERE x.action_id = c.action_id AND x.at >= w.served_at)
       END"""
_OF_WHAT = """
  FROM work_lease w JOIN staff s ON s.id = w.staff_id
       LEFT JOIN call c ON c.id = w.call_id LEFT JOIN reply r ON r.id = w.reply_id
       LEFT JOIN duty d ON d.id = w.duty_id"""
_LEASE_COLUMNS = f"""
SELECT w.id, w.staff_id, s.external_id AS staff, w.borrower_id, w.person_id, w.loan_id, w.call_id,
       w.reply_id, w.duty_id, w.served_at, w.until, w.band, {_FINISHED} AS finished, w.why{_OF_WHAT}
"""
UNDER_WAY = text(f"""
SELECT w.id AS lease, s.external_id AS staff, l.external_id AS loan, b.external_id AS record,
       w.reply_id AS reply, w.duty_id AS duty, w.band, w.served_at, w.until{_OF_WHAT}
       JOIN borrower b ON b.id = w.borrower_id LEFT JOIN loan l ON l.id = w.loan_id
 WHERE w.ended_at IS NULL AND NOT {_FINISHED}
 ORDER BY w.served_at, w.id
""")
"""What collectors were served and have not finished, the earliest first."""


def _lease_where(condition: str) -> Any:
    statement = text(f"{_LEASE_COLUMNS} WHERE {condition} AND w.ended_at IS NULL")
    return prepared(statement.columns(why=ReasonsColumn()))


_LEASE_OF_STAFF = _lease_where("w.staff_id = :of_staff")
_LEASE = _lease_where("w.id = :of_lease")
_LEASES_AT = _lease_where(
    "(w.person_id = :of_person"
    " OR w.staff_id = (SELECT id FROM staff WHERE external_id = :of_reference))"
)


def lease_of(connection: Connection, staff_id: int) -> Lease | None:
    """What a collector was served last and has not ended."""
    return _lease(connection, _LEASE_OF_STAFF, {"of_staff": staff_id})


def leases_at(connection: Connection, person_id: int, reference: str) -> list[Lease]:
    """What has no end yet: who was served this person, and what this member of staff was served.
    One statement, two leases at most."""
    values = {"of_person": person_id, "of_reference": reference}
    return typed_rows(Lease, connection.execute(_LEASES_AT, values))


def read_lease(connection: Connection, lease_id: int) -> Lease | None:
    """A lease that has no end yet."""
    return _lease(connection, _LEASE, {"of_lease": lease_id})


def is_on_record(connection: Connection, lease_id: int) -> bool:
    """Whether there ever was a lease of this number."""
    found = text("SELECT 1 FROM work_lease WHERE id = :of_lease")
    return connection.execute(found, {"of_lease": lease_id}).first() is not None


def _lease(connection: Connection, statement: Any, values: dict[str, int]) -> Lease | None:
    return typed_row(Lease, connection.execute(statement, values))


class Taken(NamedTuple):
    """What came of trying to take work: the place in what was asked for, and the lease, if any."""

    place: int
    lease_id: int | None


class Wanted(NamedTuple):
    """A piece of work for which a lease is asked."""

    borrower_id: int
    person_id: int
    loan_id: int | None
    call_id: int | None
    reply_id: int | None
    had_by: int
    """Whose call it was when it was read."""
    band: str
    first_contact: bool
    why: Reasons
    duty_id: int | None = None


# The first piece of the list that is free. A call that somebody takes at this moment is passed by
# without waiting, and one that was taken since it was read is not theirs any more. So of many who
# ask at once, each gets another one.
_TAKE = prepared(
    text("""
WITH wanted AS (
    SELECT * FROM unnest(
        CAST(:borrower_ids AS bigint[]), CAST(:person_ids AS bigint[]), CAST(:loan_ids AS bigint[]),
        CAST(:call_ids AS bigint[]), CAST(:had_by AS bigint[]), CAST(:bands AS text[]),
        CAST(:first_contacts AS boolean[]), CAST(:whys AS text[]))
    WITH ORDINALITY AS v (borrower_id, person_id, loan_id, call_id, had_by, band, first_contact,
                          why, place)
), free AS (
    SELECT wanted.*
      FROM wanted JOIN call c ON c.id = wanted.call_id
     WHERE c.staff_id = wanted.had_by AND c.ended_at IS NULL AND c.cancelled_at IS NULL
       AND NOT EXISTS (SELECT FROM work_lease w
                        WHERE w.person_id = wanted.person_id AND w.ended_at IS NULL)
     ORDER BY wanted.place LIMIT 1
       FOR UPDATE OF c SKIP LOCKED
), taken AS (
    INSERT INTO work_lease (staff_id, borrower_id, person_id, loan_id, call_id, band,
                            first_contact, why, served_at, until)
    SELECT CAST(:me AS bigint), borrower_id, person_id, loan_id, call_id, band, first_contact,
           CAST(why AS jsonb), CAST(:now AS timestamptz), CAST(:until AS timestamptz)
      FROM free
        ON CONFLICT DO NOTHING
 RETURNING id, call_id
), handed AS (
    UPDATE call SET staff_id = :me
      FROM taken
     WHERE coalesce(call.part_of, call.id) = (
               SELECT coalesce(t.part_of, t.id) FROM call t WHERE t.id = taken.call_id)
       AND call.staff_id <> :me AND call.ended_at IS NULL AND call.cancelled_at IS NULL
)
SELECT free.place, taken.id AS lease_id FROM free LEFT JOIN taken ON true
""")
)
# A callback that a colleague owes and is late with is theirs no longer.
_TAKE_REPLY = prepared(
    text(f"""
WITH taken AS (
    INSERT INTO work_lease (staff_id, borrower_id, person_id, loan_id, reply_id, duty_id, band,
                            first_contact, why, served_at, until)
    VALUES (:me, :borrower_id, :person_id, :loan_id, :reply_id, :duty_id, :band, false,
            CAST(:why AS jsonb), :now, :until)
        ON CONFLICT DO NOTHING
 RETURNING id, duty_id
), handed AS (
    UPDATE duty SET staff = (SELECT external_id FROM staff WHERE id = :me)
      FROM taken
     WHERE duty.id = taken.duty_id AND duty.owner = 'collector' AND duty.ended_at IS NULL
       AND {person_in("duty.staff")} <> (SELECT external_id FROM staff WHERE id = :me)
)
SELECT 1 AS place, id AS lease_id FROM taken
""")  # noqa: S608
)


def take_first(
    connection: Connection,
    staff_id: int,
    wanted: Sequence[Wanted],
    now: datetime,
    until: datetime,
) -> Taken | None:
    """Take the first of these calls that is free, for a collector who has no lease. One statement.

    None: none of them is free. Without a lease in the answer, somebody else was served that person
    at this moment.
    """
    values = {
        "me": staff_id,
        "now": now,
        "until": until,
        "borrower_ids": [each.borrower_id for each in wanted],
        "person_ids": [each.person_id for each in wanted],
        "loan_ids": [each.loan_id for each in wanted],
        "call_ids": [each.call_id for each in wanted],
        "had_by": [each.had_by for each in wanted],
        "bands": [each.band for each in wanted],
        "first_contacts": [each.first_contact for each in wanted],
        "whys": [as_json(each.why) for each in wanted],
    }
    return typed_row(Taken, connection.execute(_TAKE, values))


def take_reply(
    connection: Connection, staff_id: int, wanted: Wanted, now: datetime, until: datetime
) -> Taken | None:
    """Take a reply, or a duty. None: somebody else was served that person. One statement."""
    values = {
        "borrower_id": wanted.borrower_id,
        "person_id": wanted.person_id,
        "loan_id": wanted.loan_id,
        "reply_id": wanted.reply_id,
        "duty_id": wanted.duty_id,
        "band": wanted.band,
        "why": as_json(wanted.why),
        "me": staff_id,
        "now": now,
        "until": until,
    }
    return typed_row(Taken, connection.execute(_TAKE_REPLY, values))


_END = text("""
UPDATE work_lease SET ended_at = least(:now, greatest(until, served_at)), ended_because = :because
 WHERE id = :of_lease AND ended_at IS NULL
""")
_END_LAPSED = text("""
UPDATE work_lease SET ended_at = until, ended_because = 'lapsed'
 WHERE id IN (SELECT id FROM work_lease
               WHERE person_id = ANY(:persons) AND ended_at IS NULL AND until <= :now
                 FOR UPDATE SKIP LOCKED)
""")
# Whoever extends one at this moment is let through: the next sign of life is refused.
_END_TAKEN = text("""
UPDATE work_lease SET ended_at = least(:now, greatest(until, served_at)),
                      ended_because = 'not_allowed'
 WHERE id IN (SELECT id FROM work_lease
               WHERE (call_id = ANY(:calls) OR reply_id = ANY(:replies)) AND ended_at IS NULL
                 FOR UPDATE SKIP LOCKED)
""")
_EXTEND = text("""
UPDATE work_lease SET until = :until
 WHERE id = :of_lease AND staff_id = :me AND ended_at IS NULL RETURNING until
""")
_CALL_INSTEAD = text("""
UPDATE work_lease SET call_id = :call_id, duty_id = NULL WHERE id = :of_lease
""")
_NOTE_TAKEOVER = text("""
INSERT INTO work_takeover (work_lease_id, taken_from, given_to, actor, why_id, at)
VALUES (:of_lease, :taken_from, :given_to, :actor, :why_id, :now)
""")


def end_lease(connection: Connection, lease_id: int, because: LeaseEnd, now: datetime) -> bool:
    """End a lease; False if it has ended already."""
    values = {"of_lease": lease_id, "because": because, "now": now}
    return connection.execute(_END, values).rowcount == 1


def lease_call_instead(connection: Connection, lease_id: int, call_id: int) -> None:
    """What was served as a duty is this call from now on."""
    connection.execute(_CALL_INSTEAD, {"of_lease": lease_id, "call_id": call_id})


def end_lapsed(connection: Connection, person_ids: Sequence[int], now: datetime) -> None:
    """End the leases of these persons that have lapsed, so that others may be served."""
    connection.execute(_END_LAPSED, {"persons": list(person_ids), "now": now})


def end_of_taken(
    connection: Connection, call_ids: Sequence[int], reply_ids: Sequence[int], now: datetime
) -> None:
    """End the leases of calls and replies that were taken from whoever had them."""
    if call_ids or reply_ids:
        values = {"calls": list(call_ids), "replies": list(reply_ids), "now": now}
        connection.execute(_END_TAKEN, values)


def extend_lease(
    connection: Connection, lease_id: int, staff_id: int, until: datetime
) -> datetime | None:
    """Let a lease go on until then; None if it is not theirs, or ended."""
    values = {"of_lease": lease_id, "me": staff_id, "until": until}
    extended: datetime | None = connection.execute(_EXTEND, values).scalar()
    return extended


def note_takeover(
    connection: Connection,
    lease: Lease,
    given_to: str,
    actor: Actor,
    why_id: UUID,
    now: datetime,
) -> None:
    """Put on record who took work over, and why."""
    connection.execute(
        _NOTE_TAKEOVER,
        {
            "of_lease": lease.id,
            "taken_from": lease.staff,
            "given_to": given_to,
            "actor": actor.reference,
            "why_id": why_id,
            "now": now,
        },
    )


_HAND_OVER_CALL = text("""
UPDATE call SET staff_id = :to
 WHERE coalesce(part_of, id) = (SELECT coalesce(t.part_of, t.id) FROM call t WHERE t.id = :of_call)
   AND ended_at IS NULL AND cancelled_at IS NULL
""")
_HAND_OVER_REPLY = text("UPDATE reply SET staff_id = :to WHERE id = :of_reply")
_OWNER = text("SELECT owner FROM duty WHERE id = :of_duty")
_HAND_OVER_DUTY = text("""
UPDATE duty SET staff = (SELECT external_id FROM staff WHERE id = :to), owner = :owner
 WHERE id = :of_duty AND ended_at IS NULL AND (owner = 'collector' OR owner <> :owner)
""")


def owner_of_duty(connection: Connection, duty_id: int) -> Owner:
    """Who owes a duty that was served."""
    return Owner(connection.execute(_OWNER, {"of_duty": duty_id}).scalar_one())


def hand_over(connection: Connection, lease: Lease, to: int, owner: Owner | None) -> None:
    """Give somebody else the call, the reply or the duty of a lease, owed as this `owner`.
    What any of its owners may do stays so. One statement."""
    if lease.duty_id is not None:
        values = {"to": to, "of_duty": lease.duty_id, "owner": owner}
        connection.execute(_HAND_OVER_DUTY, values)
    elif lease.reply_id is not None:
        connection.execute(_HAND_OVER_REPLY, {"to": to, "of_reply": lease.reply_id})
    elif lease.call_id is not None:
        connection.execute(_HAND_OVER_CALL, {"to": to, "of_call": lease.call_id})


_LEASE_AGAIN = text("""
INSERT INTO work_lease (staff_id, borrower_id, person_id, loan_id, call_id, reply_id, duty_id, band,
                        first_contact, why, served_at, until)
VALUES (:me, :borrower_id, :person_id, :loan_id, :call_id, :reply_id, :duty_id, :band, false,
        CAST(:why AS jsonb), :now, :until)
    ON CONFLICT DO NOTHING
RETURNING id
""")


def lease_again(
    connection: Connection,
    lease: Lease,
    staff_id: int,
    band: str,
    why: Reasons,
    now: datetime,
    until: datetime,
) -> int | None:
    """Lease to somebody else what another one had; None: they, or the person, have a lease."""
    of = (lease.reply_id, lease.duty_id)
    return _lease_to(connection, staff_id, lease, of, band, why, now, until)


def lease_attempt(
    connection: Connection,
    attempt: OpenAttempt,
    staff_id: int,
    why: Reasons,
    now: datetime,
    until: datetime,
) -> int | None:
    """Lease the person of a started call to who started it; None: somebody else was served them."""
    end_lapsed(connection, [attempt.person_id], now)
    return _lease_to(connection, staff_id, attempt, (None, None), UNFINISHED, why, now, until)


def _lease_to(
    connection: Connection,
    staff_id: int,
    work: Lease | OpenAttempt,
    of: tuple[int | None, int | None],
    band: str,
    why: Reasons,
    now: datetime,
    until: datetime,
) -> int | None:
    """`of`: the reply and the duty that it is about."""
    reply_id, duty_id = of
    values = {
        "me": staff_id,
        "borrower_id": work.borrower_id,
        "person_id": work.person_id,
        "loan_id": work.loan_id,
        "call_id": work.call_id,
        "reply_id": reply_id,
        "duty_id": duty_id,
        "band": band,
        "why": as_json(why),
        "now": now,
        "until": until,
    }
    lease_id: int | None = connection.execute(_LEASE_AGAIN, values).scalar()
    return lease_id
