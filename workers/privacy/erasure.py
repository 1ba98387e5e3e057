"""Erasing what is held about a person, and leaving the evidence of what was done.

What goes: the name, the number, the address, the words of texts, letters and replies. What stays:
ids, dates, decisions, contacts, receipts, payments, and that it was erased.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, text, update

from domain.actors import Actor, ActorKind
from domain.compliance.retention import RetentionPeriod
from workers.context import Context
from workers.db.schema import (
    action,
    borrower,
    contact,
    document,
    erasure,
    inbox_event,
    loan,
    message,
)
from workers.db.schema import reply as reply_table
from workers.privacy.encrypted_columns import without_digest, without_encrypted_values
from workers.privacy.retention import BorrowerRetention, next_page, read_keeping

log = logging.getLogger(__name__)

ERASURE_TASK = Actor("erase_expired_data", ActorKind.SYSTEM)
OVER = "What had to be kept about them need not be kept any more."

# Whoever holds the telephone asked to be left alone: those who share the number keep that.
_INHERIT_OPT_OUTS = text("""
INSERT INTO opt_out (borrower_id, channel, since, source, source_kind)
SELECT DISTINCT ON (s.id, o.channel) s.id, o.channel, o.since, o.source, o.source_kind
  FROM borrower b
  JOIN opt_out o ON o.borrower_id = b.id
  JOIN borrower s ON s.phone_blind_index = b.phone_blind_index AND s.id <> b.id
 WHERE b.id = ANY(:ids) AND s.id <> ALL(:ids)
 ORDER BY s.id, o.channel, o.since
ON CONFLICT DO NOTHING
""")

EVENT_IS_LATE = "What is held about the borrower was erased before this could be applied."


@dataclass(frozen=True, slots=True)
class Erased:
    """What one run did."""

    borrowers: int
    go_on_after: int | None
    """The borrower's id after which the next run looks on; None: all were looked at."""


def erase_expired_data(ctx: Context, after: int = 0) -> Erased:
    """Look at the next page of borrowers, and erase those whose time to be kept is over.

    Run twice, or twice at once, it does the same: who is erased is locked, looked at again, and
    never found a second time.
    """
    with ctx.engine.begin() as connection:
        page = next_page(connection, after)
        due = [row.id for row in _due(read_keeping(connection, ctx, page), ctx)]
        locked = lock_borrowers(connection, due)
        over = _due(read_keeping(connection, ctx, locked), ctx)
        now = ctx.now()
        erase(connection, [one.id for one in over], now)
        for one in over:
            note_erasure(connection, one.id, ERASURE_TASK, OVER, now, kept=one.keeping)
    for one in over:
        log.info("borrower %s: what was held was erased", one.borrower)
    return Erased(len(over), page[-1] if page else None)


def lock_borrowers(
    connection: Connection, ids: Sequence[int], *, wait: bool = False
) -> Sequence[int]:
    """Those of the borrowers that nobody holds, locked with their loans as a claim locks them.

    With `wait`, all of them.
    """
    locked = (
        connection.execute(
            select(borrower.c.id)
            .where(borrower.c.id.in_(ids))
            .order_by(borrower.c.id)
            .with_for_update(skip_locked=not wait)
        )
        .scalars()
        .all()
    )
    connection.execute(
        select(loan.c.id)
        .where(loan.c.borrower_id.in_(locked))
        .order_by(loan.c.id)
        .with_for_update()
    )
    return locked


def erase(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Erase what is held about these borrowers, who are locked. Nothing can reach them after it:
    there is no number, no address and no zone any more, and the gate lets nothing through."""
    if not ids:
        return
    connection.execute(_INHERIT_OPT_OUTS, {"ids": list(ids)})
    of_them = select(contact.c.id).where(contact.c.borrower_id.in_(ids))
    actions = select(action.c.id).join(loan).where(loan.c.borrower_id.in_(ids))
    for table, rows in (
        (message, message.c.contact_id.in_(of_them)),
        (reply_table, reply_table.c.borrower_id.in_(ids)),
        (document, document.c.action_id.in_(actions)),
    ):
        still = table.c.body_encrypted.is_not(None)
        connection.execute(update(table).where(rows, still).values(body_encrypted=None))
    _erase_events(connection, ids, now)
    connection.execute(
        update(borrower)
        .where(borrower.c.id.in_(ids))
        .values(
            name_encrypted=None,
            phone_encrypted=None,
            phone_blind_index=None,
            address_encrypted=None,
            facts_digest=b"",
            zones=[],
            region=None,
            updated_at=now,
            erased_at=now,
        )
    )


def note_erasure(
    connection: Connection,
    borrower_id: int,
    actor: Actor,
    why: str,
    now: datetime,
    *,
    kept: RetentionPeriod,
    law: str | None = None,
) -> None:
    """Put on record that what is held about a borrower was erased, and what that rested on."""
    connection.execute(
        insert(erasure).values(
            borrower_id=borrower_id,
            at=now,
            actor=actor.reference,
            actor_kind=actor.kind,
            why=why,
            law=law,
            rules=list(kept.rules),
            kept_until=kept.until,
        )
    )


def _due(held: Iterable[BorrowerRetention], ctx: Context) -> list[BorrowerRetention]:
    return [one for one in held if one.keeping.is_over(ctx.today())]


def _erase_events(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """New contacts that came in as events; one that waits to be applied never will be."""
    names = select(borrower.c.external_id).where(borrower.c.id.in_(ids))
    theirs = inbox_event.c.payload["borrower"].astext.in_(names)
    personal = inbox_event.c.kind == "contact_change"
    connection.execute(
        update(inbox_event)
        .where(theirs, personal, inbox_event.c.status == "received")
        .values(status="rejected", reason=EVENT_IS_LATE, completed_at=now)
    )
    connection.execute(
        update(inbox_event)
        .where(theirs, personal)
        .values(payload=without_digest(without_encrypted_values(inbox_event.c.payload)))
    )
