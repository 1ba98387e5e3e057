"""Erase what events say of a person, also of those that are not applied yet."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, Update, exists, select, update

from domain.events import InboxStatus, Named
from domain.reasons import ReasonCode, because
from workers.db.inbox import payload_value
from workers.db.persons import may_mean_record
from workers.db.schema import borrower, inbox_event
from workers.db.unread_texts import keep_unread, unread_texts_of
from workers.privacy.encrypted_columns import (
    PERSONAL_EVENTS,
    without_digest,
    without_encrypted_values,
)

ERASED_BEFORE_APPLIED = because(ReasonCode.EVENT_TOO_LATE)

_EMPTIED = without_encrypted_values(inbox_event.c.payload)
_IS_PENDING = inbox_event.c.status == InboxStatus.RECEIVED


def lock_pending_events(connection: Connection, ids: Sequence[int]) -> None:
    """Lock the events with personal data of these borrowers that are not applied yet. Waits for
    those that a worker is applying.

    It comes before the lock of the borrowers, because a worker locks its event first and the person
    after it. What a worker has applied meanwhile is on record then, and is erased there.
    """
    if not ids:
        return
    events = [text.id for text in unread_texts_of(connection, ids)]
    personal = select(inbox_event.c.id).where(_is_about(ids), _IS_PENDING)
    events.extend(connection.execute(personal).scalars())
    in_order = select(inbox_event.c.id).where(inbox_event.c.id.in_(events))
    connection.execute(in_order.order_by(inbox_event.c.id).with_for_update()).all()


def erase_unread_texts(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Erase the words of texts that were not applied yet.

    They may have asked for no contact at all. So they hold texts to their numbers, whoever has
    those, until somebody has decided. One that has come in since `lock_pending_events`, and that a
    worker has locked, came in after the erasure: the worker waits for the person.
    """
    texts = {text.id: text for text in unread_texts_of(connection, ids)}
    for id in connection.execute(_free(inbox_event.c.id.in_(texts))).scalars().all():
        keep_unread(connection, texts[id].payload)
        connection.execute(_reject(now).where(inbox_event.c.id == id).values(payload=_EMPTIED))


def erase_events(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Empty the events with personal data, and reject events that are not applied yet. Events that
    a worker has locked are left, as by `erase_unread_texts`."""
    pending = connection.execute(_free(_is_about(ids))).scalars().all()
    connection.execute(_reject(now).where(inbox_event.c.id.in_(pending)))
    connection.execute(
        update(inbox_event)
        .where(_is_about(ids), inbox_event.c.status != InboxStatus.RECEIVED)
        .values(payload=without_digest(_EMPTIED))
    )


def _is_about(ids: Sequence[int]) -> ColumnElement[bool]:
    theirs = exists().where(
        may_mean_record(borrower, payload_value(inbox_event, Named.BORROWER)),
        borrower.c.id.in_(ids),
    )
    return theirs & inbox_event.c.kind.in_(PERSONAL_EVENTS)


def _free(events: ColumnElement[bool]) -> Select[int]:
    """The ids of those of the events that are not applied and that nobody else has locked; they are
    locked then."""
    free = select(inbox_event.c.id).where(events, _IS_PENDING).order_by(inbox_event.c.id)
    return free.with_for_update(skip_locked=True)


def _reject(now: datetime) -> Update:
    return update(inbox_event).values(
        status=InboxStatus.REJECTED, reason=ERASED_BEFORE_APPLIED, completed_at=now
    )
