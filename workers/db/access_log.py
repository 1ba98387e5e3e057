"""Looks at what holds personal data, in the store."""

from __future__ import annotations

from datetime import datetime

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
    purpose: str | None = None,
) -> None:
    """Put on record that `actor` opened something, and what for.

    It is of a loan, of a reply, or else of a borrower. Without a `purpose` it is the usual one of
    what is opened. In the transaction of the look: what cannot be put on record is not shown.
    """
    connection.execute(
        insert(access).values(
            loan_id=loan_id,
            borrower_id=borrower_id,
            reply_id=reply_id,
            at=now,
            what=what,
            purpose=purpose or what.usual_purpose,
            item=item,
            actor=actor.reference,
        )
    )
