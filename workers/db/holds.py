"""Holds in the database."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from domain.events import STAFF
from domain.holds import Hold, HoldKind
from domain.reasons import ReasonCode, Reasons, because
from workers.db.schema import borrower, hold, hold_release, loan


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


def lengthen_hold(connection: Connection, hold_id: int, pause: Hold) -> None:
    """Let the hold of a promise last as long as it is now known to. The caller reassesses it."""
    is_shorter = hold.c.ends_on < pause.ends_on
    connection.execute(
        update(hold).where(hold.c.id == hold_id, is_shorter).values(ends_on=pause.ends_on)
    )


def kinds_in_force(
    connection: Connection, loan_ids: Collection[int], on: date
) -> tuple[HoldKind, ...]:
    """The kinds of hold that pause some of these loans on a business date: of the loan, or of the
    person who owes it."""
    own = borrower.alias("own")
    persons = (
        select(borrower.c.id)
        .join(own, own.c.person_id == borrower.c.person_id)
        .join(loan, loan.c.borrower_id == own.c.id)
        .where(loan.c.id.in_(loan_ids))
    )
    found = connection.execute(
        select(hold.c.kind)
        .where(
            or_(hold.c.loan_id.in_(loan_ids), hold.c.borrower_id.in_(persons)),
            hold.c.starts_on <= on,
            hold.c.ends_on.is_(None) | (hold.c.ends_on > on),
        )
        .distinct()
    )
    return tuple(sorted(HoldKind(kind) for kind in found.scalars()))


def where_ladder_stands(connection: Connection, loan_ids: list[int], on: date) -> Reasons:
    """Whether the ladder goes on from a day now that a pause has ended, or what else pauses it."""
    if still := kinds_in_force(connection, loan_ids, on):
        return because(ReasonCode.LADDER_STILL_PAUSES, hold=still)
    return because(ReasonCode.LADDER_GOES_ON)


def release(
    connection: Connection, which: ColumnElement[bool], ends_on: date, now: datetime
) -> bool:
    """End one hold of a locked loan on `ends_on`; False if it ends by then anyway."""
    row = connection.execute(
        select(hold.c.id, hold.c.kind, hold.c.starts_on, hold.c.ends_on).where(which)
    ).one()
    before = Hold(HoldKind(row.kind), row.starts_on, row.ends_on)
    after = before.released_on(ends_on)
    if after == before:
        return False
    connection.execute(update(hold).where(hold.c.id == row.id).values(ends_on=after.ends_on))
    connection.execute(
        insert(hold_release).values(
            hold_id=row.id, at=now, ended_on=before.ends_on, ends_on=after.ends_on
        )
    )
    return True
