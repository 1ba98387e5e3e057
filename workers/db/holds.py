"""Holds in the database."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert

from domain.events import STAFF
from domain.holds import Hold
from workers.db.schema import hold


def insert_hold(
    connection: Connection,
    pause: Hold,
    *,
    loan_id: int | None = None,
    borrower_id: int | None = None,
    external_id: str | None = None,
    sender: str = STAFF,
    actor: str,
    why_id: UUID | None = None,
    now: datetime,
) -> int:
    """Insert a hold of a locked loan or person; returns its id. The caller reassesses it.

    `external_id` is the id that `sender` gave it, if it has one. `why_id` is the id of
    what a person typed. None: a promise or a reported death, which has a row of its own.
    """
    hold_id: int = connection.execute(
        insert(hold)
        .values(
            loan_id=loan_id,
            borrower_id=borrower_id,
            external_id=external_id,
            sender=sender if external_id is not None else None,
            kind=pause.kind,
            starts_on=pause.starts_on,
            ends_on=pause.ends_on,
            actor=actor,
            why_id=why_id,
            made_at=now,
        )
        .returning(hold.c.id)
    ).scalar_one()
    return hold_id
