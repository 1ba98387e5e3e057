"""Work that is handed to somebody else than whoever was served it: the rows of `work_takeover`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from domain.actors import Actor
from domain.outcome_follows import Owner
from workers.db.work_leases import Lease

_NOTE_TAKEOVER = text("""
INSERT INTO work_takeover (work_lease_id, taken_from, given_to, actor, why_id, at)
VALUES (:of_lease, :taken_from, :given_to, :actor, :why_id, :now)
""")


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
