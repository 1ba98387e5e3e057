"""What was settled long ago and is of no use any more goes: events out, events in, stray words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Table,
    Update,
    delete,
    or_,
    select,
    update,
)

from domain.events import OutboxStatus
from domain.inbound_texts import ReplyKind
from workers.context import Context
from workers.db.schema import inbox_event, outbox_event, reply
from workers.privacy.encrypted_columns import ENCRYPTED_PAYLOAD_KEYS, without_encrypted_values

BATCH_SIZE = 5_000
"""Rows of each kind that one run takes."""

CONTACT_CHANGE = "contact_change"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one run removed."""

    events_out: int
    """That the lender's systems have."""
    events_in: int
    """That were applied."""
    words: int
    """Sealed values of no further use: contacts that are on record by now, and what was written
    from numbers that nobody on the book has."""

    @property
    def anything(self) -> bool:
        return bool(self.events_out or self.events_in or self.words)


def prune(ctx: Context) -> Pruned:
    """Remove the next of what was settled longer ago than the house keeps it.

    What the lender's systems have not taken, what was given up, and what waits to be applied or was
    refused all stay: a person may still want them. So does that a borrower's contacts changed,
    which is part of the story of a loan: only the contacts go.
    """
    before = ctx.now() - timedelta(days=ctx.settings.prune_after_days)
    with ctx.engine.begin() as connection:
        return Pruned(
            events_out=_delivered(connection, before),
            events_in=_applied(connection, before),
            words=_contacts_told(connection, before) + _words_of_strangers(connection, before),
        )


def _delivered(connection: Connection, before: datetime) -> int:
    old = (outbox_event.c.status == OutboxStatus.DELIVERED) & (outbox_event.c.completed_at < before)
    return _run(connection, delete(outbox_event), outbox_event, old)


def _applied(connection: Connection, before: datetime) -> int:
    old = (
        (inbox_event.c.status == "applied")
        & (inbox_event.c.completed_at < before)
        & (inbox_event.c.kind != CONTACT_CHANGE)
    )
    return _run(connection, delete(inbox_event), inbox_event, old)


def _contacts_told(connection: Connection, before: datetime) -> int:
    payload = inbox_event.c.payload
    old = (
        (inbox_event.c.kind == CONTACT_CHANGE)
        & (inbox_event.c.status != "received")
        & (inbox_event.c.completed_at < before)
        & or_(*(payload[name].astext.is_not(None) for name in ENCRYPTED_PAYLOAD_KEYS))
    )
    strip = update(inbox_event).values(payload=without_encrypted_values(payload))
    return _run(connection, strip, inbox_event, old)


def _words_of_strangers(connection: Connection, before: datetime) -> int:
    old = (
        reply.c.borrower_id.is_(None)
        & reply.c.body_encrypted.is_not(None)
        & (reply.c.received_at < before)
        & ((reply.c.kind != ReplyKind.OTHER) | reply.c.handled_at.is_not(None))
    )
    return _run(connection, update(reply).values(body_encrypted=None), reply, old)


def _run(
    connection: Connection, statement: Delete | Update, table: Table, which: ColumnElement[bool]
) -> int:
    """Run it on the next rows that nobody holds; returns how many."""
    first = (
        select(table.c.id)
        .where(which)
        .order_by(table.c.id)
        .limit(BATCH_SIZE)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(first).scalars())
    return connection.execute(statement.where(table.c.id.in_(ids))).rowcount if ids else 0
