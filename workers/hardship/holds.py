"""Holds and disputes: what pauses the ladder of a loan, and what lets it go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from domain.actors import Actor
from domain.compliance.hold_length import hold_length
from domain.compliance.rules import packs_for
from domain.events import NotYetError, RejectedError
from domain.holds import Hold, HoldKind
from workers.context import Context
from workers.db.loans import lock_loan_of, lock_named_loan
from workers.db.schema import hold, hold_release, loan
from workers.escalation.reassess import reassess

PLACEABLE_KINDS = tuple(kind for kind in HoldKind if kind is not HoldKind.PROMISE)
"""A promise pauses the ladder by itself, for as long as it is open."""


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold as the lender's systems or a person told it."""

    external_id: str
    """The lender's own id of the hold or the dispute: the same id is the same hold."""
    loan: str
    kind: str
    starts_on: date
    ends_on: date | None
    """The first business date without it; None: as long as a law says, or until it is released."""
    why: str
    actor: Actor
    """The lender's own reference of whoever made it."""


def place_hold(connection: Connection, ctx: Context, told: NewHold) -> str:
    """Pause the ladder of a loan, in the caller's transaction. Returns a sentence for people.

    Calls not made and visits on its days are called off.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: there is no such kind, or it ends before it starts.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, told.loan, "hold")
    if told.kind not in PLACEABLE_KINDS:
        raise RejectedError(
            f"{told.kind} is not a kind of hold that can be placed. Say one of "
            f"{', '.join(PLACEABLE_KINDS)}."
        )
    if told.ends_on is not None and told.ends_on < told.starts_on:
        raise RejectedError(
            f"Hold {told.external_id} ends on {told.ends_on}, before it starts on "
            f"{told.starts_on}. Correct its dates."
        )
    known = select(hold.c.id).where(hold.c.external_id == told.external_id)
    if connection.execute(known).first() is not None:
        return f"Hold {told.external_id} is on record already; nothing changed."
    ends_on = told.ends_on or _lawful_end(ctx, owed.jurisdiction, told)
    pause = Hold(HoldKind(told.kind), told.starts_on, ends_on)
    insert_hold(
        connection,
        owed.id,
        pause,
        external_id=told.external_id,
        actor=told.actor,
        why=told.why,
        now=now,
    )
    reassess(connection, [owed.id], now)
    until = f"up to {ends_on}" if ends_on else "until it is released"
    return f"The ladder of loan {told.loan} pauses from {told.starts_on} {until}."


def release_hold(connection: Connection, ctx: Context, external_id: str, ends_on: date) -> str:
    """End a hold or a dispute on `ends_on`, the first day without it. It never gets longer.

    Where a law has a hold last for some days after what it was for is over, it ends so much later.

    Raises:
        NotYetError: the hold is not known.
    """
    loan_id = lock_loan_of(connection, hold, external_id)
    if loan_id is None:
        raise NotYetError(f"Hold {external_id} is not known. Its release is kept.")
    ends_on += _after_release(connection, ctx, external_id)
    if not release(connection, hold.c.external_id == external_id, ends_on, ctx.now()):
        return f"Hold {external_id} ends by then already; nothing changed."
    reassess(connection, [loan_id], ctx.now())
    return f"Hold {external_id} ends on {ends_on}; the ladder goes on where it stood."


def _lawful_end(ctx: Context, jurisdiction: str, told: NewHold) -> date | None:
    """The first day without a hold for which nobody names an end, where a law does."""
    length = hold_length(
        packs_for(ctx.policy.rule_packs, jurisdiction), HoldKind(told.kind), told.starts_on
    )
    if length is None or length.after_release:
        return None
    return told.starts_on + timedelta(days=length.days)


def _after_release(connection: Connection, ctx: Context, external_id: str) -> timedelta:
    """How much longer than its release a law makes a hold last."""
    held = connection.execute(
        select(hold.c.kind, hold.c.starts_on, loan.c.jurisdiction)
        .join(loan, loan.c.id == hold.c.loan_id)
        .where(hold.c.external_id == external_id)
    ).one()
    packs = packs_for(ctx.policy.rule_packs, held.jurisdiction)
    length = hold_length(packs, HoldKind(held.kind), held.starts_on)
    return timedelta(days=length.days if length and length.after_release else 0)


def insert_hold(
    connection: Connection,
    loan_id: int,
    pause: Hold,
    *,
    external_id: str | None = None,
    actor: Actor,
    why: str,
    now: datetime,
) -> int:
    """Put a hold of a locked loan on record; returns its id. The caller reassesses the loan."""
    hold_id: int = connection.execute(
        insert(hold)
        .values(
            loan_id=loan_id,
            external_id=external_id,
            kind=pause.kind,
            starts_on=pause.starts_on,
            ends_on=pause.ends_on,
            actor=actor.reference,
            why=why,
            made_at=now,
        )
        .returning(hold.c.id)
    ).scalar_one()
    return hold_id


def release(
    connection: Connection, which: ColumnElement[bool], ends_on: date, now: datetime
) -> bool:
    """End one hold of a locked loan on `ends_on`; False if it ends by then already."""
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
