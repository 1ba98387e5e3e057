"""Holds and disputes: what pauses the ladder of a loan, and what ends the pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from domain.compliance.hold_length import hold_length
from domain.compliance.rules import packs_for
from domain.events import NotYetError, RejectedError
from domain.holds import Hold, HoldKind
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_loan_of, lock_named_loan
from workers.db.schema import hold, hold_release, loan
from workers.escalation.reassess import reassess

PLACEABLE_KINDS = tuple(kind for kind in HoldKind if kind is not HoldKind.PROMISE)
"""Every kind but a promise: an open promise places its own hold."""


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold as the lender's systems or a person placed it."""

    hold: str
    """The lender's own id of the hold or the dispute: the same id is the same hold."""
    loan: str
    kind: str
    starts_on: date
    ends_on: date | None
    """The first business date without it. None: as long as a law says, else until its release."""
    why: str
    actor: str
    """The lender's reference of the member of staff."""


def place_hold(connection: Connection, ctx: Context, new: NewHold) -> Reasons:
    """Pause the ladder of a loan, in the caller's transaction. Returns what came of it.

    Calls that nobody made yet, and visits on its days, are cancelled.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: there is no such kind, or it ends before it starts.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, new.loan, "hold")
    if new.kind not in PLACEABLE_KINDS:
        raise RejectedError(ReasonCode.HOLD_KIND_UNKNOWN, given=new.kind, known=PLACEABLE_KINDS)
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise RejectedError(
            ReasonCode.HOLD_DATES_REVERSED,
            hold_id=new.hold,
            starts_on=new.starts_on,
            ends_on=new.ends_on,
        )
    known = select(hold.c.id).where(hold.c.external_id == new.hold)
    if connection.execute(known).first() is not None:
        return because(ReasonCode.HOLD_KNOWN, hold_id=new.hold)
    ends_on = new.ends_on or _lawful_end(ctx, owed.jurisdiction, new)
    pause = Hold(HoldKind(new.kind), new.starts_on, ends_on)
    insert_hold(
        connection,
        owed.id,
        pause,
        external_id=new.hold,
        actor=new.actor,
        why=new.why,
        now=now,
    )
    reassess(connection, ctx, [owed.id], now)
    pauses = {"loan": new.loan, "starts_on": new.starts_on}
    if ends_on is None:
        return because(ReasonCode.LADDER_PAUSES_UNTIL_RELEASED, **pauses)
    return because(ReasonCode.LADDER_PAUSES, **pauses, ends_on=ends_on)


def release_hold(connection: Connection, ctx: Context, external_id: str, ends_on: date) -> Reasons:
    """End a hold or a dispute on `ends_on`, the first business date without it.

    A release never makes it longer. If a law makes a hold last for some days after its release, it
    ends that many days later.

    Raises:
        NotYetError: the hold is not known.
    """
    loan_id = lock_loan_of(connection, hold, external_id)
    if loan_id is None:
        raise NotYetError(ReasonCode.HOLD_NOT_KNOWN, hold_id=external_id)
    ends_on += _after_release(connection, ctx, external_id)
    if not release(connection, hold.c.external_id == external_id, ends_on, ctx.now()):
        return because(ReasonCode.HOLD_OVER_BY_THEN, hold_id=external_id)
    reassess(connection, ctx, [loan_id], ctx.now())
    return because(ReasonCode.HOLD_ENDS, hold_id=external_id, ends_on=ends_on)


def _lawful_end(ctx: Context, jurisdiction: str, new: NewHold) -> date | None:
    """The first day without a hold that has no end of its own, if a law sets one."""
    length = hold_length(
        packs_for(ctx.policy.rule_packs, jurisdiction), HoldKind(new.kind), new.starts_on
    )
    if length is None or length.after_release:
        return None
    return new.starts_on + timedelta(days=length.days)


def _after_release(connection: Connection, ctx: Context, external_id: str) -> timedelta:
    """How many days a law makes a hold last after its release."""
    stored = connection.execute(
        select(hold.c.kind, hold.c.starts_on, loan.c.jurisdiction)
        .join(loan, loan.c.id == hold.c.loan_id)
        .where(hold.c.external_id == external_id)
    ).one()
    packs = packs_for(ctx.policy.rule_packs, stored.jurisdiction)
    length = hold_length(packs, HoldKind(stored.kind), stored.starts_on)
    return timedelta(days=length.days if length and length.after_release else 0)


def insert_hold(
    connection: Connection,
    loan_id: int,
    pause: Hold,
    *,
    external_id: str | None = None,
    actor: str,
    why: str | None = None,
    now: datetime,
) -> int:
    """Insert a hold of a locked loan; returns its id. The caller reassesses the loan.

    `why` is what a person typed. None: a promise, which has a row of its own that says why.
    """
    hold_id: int = connection.execute(
        insert(hold)
        .values(
            loan_id=loan_id,
            external_id=external_id,
            kind=pause.kind,
            starts_on=pause.starts_on,
            ends_on=pause.ends_on,
            actor=actor,
            why=why,
            made_at=now,
        )
        .returning(hold.c.id)
    ).scalar_one()
    return hold_id


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
