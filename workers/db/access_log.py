"""Records each access to personal data."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert

from domain.access_log import Opened
from domain.actors import Actor
from workers.db.schema import access


def note_access(
    connection: Connection,
    loan_id: int | None,
    what: Opened,
    actor: Actor,
    now: datetime,
    *,
    item: str | None = None,
    borrower_id: int | None = None,
    reply_id: int | None = None,
    purpose_id: UUID | None = None,
    machine: Actor | None = None,
) -> None:
    """Record that `actor` opened personal data, and for which purpose.

    The data belongs to a loan, a reply, or else a borrower. `machine` was given it for them, if one
    was. `purpose_id` is the id of a purpose that somebody typed; without it the usual one of `what`
    counts. Call it in the transaction that decrypts: what is not recorded is not shown.
    """
    connection.execute(
        insert(access).values(
            loan_id=loan_id,
            borrower_id=borrower_id,
            reply_id=reply_id,
            at=now,
            what=what,
            purpose=what.usual_purpose,
            purpose_id=purpose_id,
            item=item,
            actor=actor.reference,
            machine=machine.reference if machine else None,
        )
    )
