"""The leases under which work is served: the rows of `work_lease`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, DateTime, Text, text

from domain.next_work import LeaseEnd
from domain.reasons import Reasons
from workers.db.prepared_statements import prepared
from workers.db.schema.base import ReasonsColumn
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
UNDER_WAY = (
    text(f"""
SELECT w.id AS lease, s.external_id AS staff, l.external_id AS loan, b.external_id AS record,
       w.reply_id AS reply, w.duty_id AS duty, w.band, w.served_at, w.until{_OF_WHAT}
       JOIN borrower b ON b.id = w.borrower_id LEFT JOIN loan l ON l.id = w.loan_id
 WHERE w.ended_at IS NULL AND NOT {_FINISHED}
""")
    .columns(
        lease=BigInteger,
        staff=Text,
        loan=Text,
        record=Text,
        reply=BigInteger,
        duty=BigInteger,
        band=Text,
        served_at=DateTime(timezone=True),
        until=DateTime(timezone=True),
    )
    .subquery("under_way")
)
"""What collectors were served and have not finished."""
LEASED = f"""(
    SELECT w.person_id, w.staff_id, CASE WHEN {_FINISHED} THEN w.served_at ELSE w.until END AS until
    {_OF_WHAT}
     WHERE w.ended_at IS NULL)"""
"""Who has which person, and until when. What is finished keeps nobody away: its collector may be
long in asking for the next work, which ends the lease."""


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


_END = text("""
UPDATE work_lease SET ended_at = least(:now, greatest(until, served_at)), ended_because = :because
 WHERE id = :of_lease AND ended_at IS NULL
""")
_END_LAPSED = text(f"""
UPDATE work_lease
   SET ended_at = least(until, greatest(:now, served_at)),
       ended_because = CASE WHEN free.finished THEN 'done' ELSE 'lapsed' END
  FROM (SELECT w.id AS lease_id, {_FINISHED} AS finished {_OF_WHAT}
         WHERE w.person_id = ANY(:persons) AND w.ended_at IS NULL
           AND (w.until <= :now OR {_FINISHED})
           FOR UPDATE OF w SKIP LOCKED) free
 WHERE id = free.lease_id
""")  # noqa: S608 put together from constants
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


def end_lease(connection: Connection, lease_id: int, because: LeaseEnd, now: datetime) -> bool:
    """End a lease; False if it has ended already."""
    values = {"of_lease": lease_id, "because": because, "now": now}
    return connection.execute(_END, values).rowcount == 1


def lease_call_instead(connection: Connection, lease_id: int, call_id: int) -> None:
    """What was served as a duty is this call from now on."""
    connection.execute(_CALL_INSTEAD, {"of_lease": lease_id, "call_id": call_id})


def end_lapsed(connection: Connection, person_ids: Sequence[int], now: datetime) -> None:
    """End the leases of these persons that have lapsed, or whose work is done, so that others may
    be served."""
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
