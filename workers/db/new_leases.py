"""New leases: for the first piece that is free, and for work that goes on under another lease."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.next_work import UNFINISHED
from domain.reasons import Reasons
from workers.db.bulk import as_json
from workers.db.open_attempts import OpenAttempt
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_row
from workers.db.who_acted import person_in
from workers.db.work_leases import Lease, end_lapsed


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
