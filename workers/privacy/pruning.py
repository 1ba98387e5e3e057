"""Delete what was completed long ago and has no more use: events out, events in, unneeded texts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Update,
    delete,
    exists,
    or_,
    select,
    update,
)

from domain.events import InboxStatus, Named, OutboxStatus
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.free_text import KEPT_ELSEWHERE_KEYS
from workers.db.inbox import payload_value
from workers.db.numbers import forget_points
from workers.db.persons import may_mean_record
from workers.db.schema import borrower, free_text, inbox_event, outbox_event, reply
from workers.db.unread_texts import TEXTS
from workers.privacy.encrypted_columns import (
    ENCRYPTED_PAYLOAD_KEYS,
    PERSONAL_EVENTS,
    without_digest,
    without_encrypted_values,
)
from workers.privacy.free_text import without_words

BATCH_SIZE = 5_000
"""Rows of each kind in one run."""

TOLD_BY_THE_HISTORY = ("contact_change", "number_order")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one run removed."""

    events_out: int
    """That were delivered to the lender's systems."""
    events_in: int
    """That were applied."""
    words: int
    """Encrypted values without further use: contact details that were applied, and texts from
    numbers that no borrower has; and what belongs to nobody on record and was kept long enough."""

    @property
    def anything(self) -> bool:
        return bool(self.events_out or self.events_in or self.words)


def prune(ctx: Context) -> Pruned:
    """Delete the next rows that were completed longer ago than the setting allows.

    Undelivered, dead, pending and rejected events stay, because a person may need them; except what
    belongs to nobody on record, after the time that another setting allows. The event
    that a borrower's contact details changed stays too, because it is part of the history of a
    loan; only the details are deleted.
    """
    before = ctx.now() - timedelta(days=ctx.settings.prune_after_days)
    delivered = (outbox_event.c.status == OutboxStatus.DELIVERED) & (
        outbox_event.c.completed_at < before
    )
    applied = (
        (inbox_event.c.status == InboxStatus.APPLIED)
        & (inbox_event.c.completed_at < before)
        & inbox_event.c.kind.not_in(TOLD_BY_THE_HISTORY)
    )
    with ctx.engine.begin() as connection:
        return Pruned(
            events_out=_run(connection, delete(outbox_event), delivered),
            events_in=_run(connection, delete(inbox_event), applied),
            words=_empty_contact_changes(connection, before)
            + _empty_refused(connection, before)
            + forget_expired_words(connection, ctx.now())
            + _empty_unknown_replies(connection, before)
            + _forget_unknown_numbers(connection, before)
            + _forget_strangers(connection, ctx),
        )


def _empty_contact_changes(connection: Connection, before: datetime) -> int:
    payload = inbox_event.c.payload
    old = (
        inbox_event.c.kind.in_((*PERSONAL_EVENTS, TEXTS))
        & (inbox_event.c.status != InboxStatus.RECEIVED)
        & (inbox_event.c.completed_at < before)
        & or_(*(payload[name].astext.is_not(None) for name in ENCRYPTED_PAYLOAD_KEYS))
    )
    strip = update(inbox_event).values(payload=without_encrypted_values(payload))
    return _run(connection, strip, old)


def forget_expired_words(connection: Connection, now: datetime) -> int:
    """Delete what people typed about nobody on record, when its time is over."""
    return _run(connection, delete(free_text), free_text.c.expires_at < now)


def _empty_refused(connection: Connection, before: datetime) -> int:
    """What people typed in events that were refused or discarded."""
    payload = inbox_event.c.payload
    old = (
        inbox_event.c.status.in_((InboxStatus.REJECTED, InboxStatus.DISCARDED))
        & (inbox_event.c.completed_at < before)
        & or_(*(payload.has_key(key) for key in KEPT_ELSEWHERE_KEYS))
    )
    strip = update(inbox_event).values(payload=without_words(payload))
    return _run(connection, strip, old)


def _empty_unknown_replies(connection: Connection, before: datetime) -> int:
    old = (
        reply.c.borrower_id.is_(None)
        & reply.c.body_encrypted.is_not(None)
        & (reply.c.received_at < before)
        & (~reply.c.to_read | reply.c.handled_at.is_not(None))
    )
    return _run(connection, update(reply).values(body_encrypted=None), old)


def _forget_unknown_numbers(connection: Connection, before: datetime) -> int:
    """Forget the keyed hashes of numbers that nobody on record has, once the words of their texts
    are gone. A number stays if a fact protects it, such as an opt-out, or if nobody has read a text
    from it: that puts off all texts to the number."""
    old = (
        reply.c.borrower_id.is_(None)
        & reply.c.body_encrypted.is_(None)
        & reply.c.contact_point_id.is_not(None)
        & (reply.c.received_at < before)
        & (~reply.c.to_read | reply.c.handled_at.is_not(None))
    )
    first = (
        select(reply.c.id, reply.c.contact_point_id)
        .where(old)
        .order_by(reply.c.id)
        .limit(BATCH_SIZE)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(first).all()
    if rows:
        ids = [row.id for row in rows]
        forgotten = update(reply).where(reply.c.id.in_(ids)).values(contact_point_id=None)
        connection.execute(forgotten)
        forget_points(connection, {row.contact_point_id for row in rows})
    return len(rows)


def _forget_strangers(connection: Connection, ctx: Context) -> int:
    """Reject and empty contact details of borrowers who never came in, and empty texts of unknown
    numbers that nobody read. Such a text still puts off the texts to its number, whoever has it."""
    before = ctx.now() - timedelta(days=ctx.settings.strangers_after_days)
    on_record = exists().where(
        may_mean_record(borrower, payload_value(inbox_event, Named.BORROWER))
    )
    never_came = (
        inbox_event.c.kind.in_(PERSONAL_EVENTS)
        & (inbox_event.c.status == InboxStatus.RECEIVED)
        & (inbox_event.c.received_at < before)
        & ~on_record
    )
    reject = update(inbox_event).values(
        status=InboxStatus.REJECTED,
        reason=because(ReasonCode.EVENT_OF_A_STRANGER),
        completed_at=ctx.now(),
        payload=without_digest(without_encrypted_values(inbox_event.c.payload)),
    )
    unread = (
        reply.c.borrower_id.is_(None)
        & reply.c.body_encrypted.is_not(None)
        & (reply.c.received_at < before)
    )
    return _run(connection, reject, never_came) + _run(
        connection, update(reply).values(body_encrypted=None), unread
    )


def _run(connection: Connection, statement: Delete | Update, which: ColumnElement[bool]) -> int:
    """Run the statement on the next unlocked rows of its table; returns how many."""
    id = statement.table.c.id
    first = select(id).where(which).order_by(id).limit(BATCH_SIZE).with_for_update(skip_locked=True)
    ids = list(connection.execute(first).scalars())
    return connection.execute(statement.where(id.in_(ids))).rowcount if ids else 0
