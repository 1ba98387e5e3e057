"""Texts in the database: the table of moves guards every change of status."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from domain.actions import ActionStatus
from domain.messages import MESSAGE_MOVES, MessageStatus
from domain.moves import sources
from domain.reasons import ReasonCode, because
from workers.db import outbox_messages
from workers.db.bulk import is_among
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.problems import note_problem
from workers.db.schema import action, action_event, contact, message
from workers.db.typed_rows import columns_of, typed_row

SENT_AFTER_ALL = "sent_after_all"


def of_action(action_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a text is of this action, for a query of `message`.

    It goes by the contact, whose index the frequency caps need already.
    """
    contacts = select(contact.c.id).where(contact.c.action_id == action_id).correlate(action)
    return message.c.contact_id.in_(contacts)


class StoredText(NamedTuple):
    """A text that is locked."""

    id: UUID
    action_id: int
    provider: str
    sid: str | None
    status: str


def lock_text(connection: Connection, which: ColumnElement[bool]) -> StoredText | None:
    """Lock a text until the transaction ends; None if there is none."""
    named = select(*columns_of(StoredText, message)).where(which).with_for_update()
    return typed_row(StoredText, connection.execute(named))


_BEFORE = (
    select(
        message.c.id,
        message.c.status,
        message.c.action_id,
        action.c.loan_id,
        action.c.step,
        action.c.item,
        action.c.ladder_since,
    )
    .join(action, action.c.id == message.c.action_id)
    .where(message.c.id == bindparam("of_message"), is_among(message.c.status, "before"))
    .with_for_update(of=message)
    .cte("before")
)
_ADVANCE = prepared(
    update(message)
    .where(message.c.id == _BEFORE.c.id)
    .values(
        status=bindparam("became"),
        code=bindparam("with_code"),
        changed_at=bindparam("now"),
        sid=func.coalesce(bindparam("given_sid"), message.c.sid),
    )
    .returning(_BEFORE)
)


def advance_message(
    connection: Connection,
    message_id: UUID,
    status: MessageStatus,
    now: datetime,
    *,
    sid: str | None = None,
    code: str | None = None,
) -> bool:
    """Record the status of a text, and the event for the lender's systems.

    Returns False, and writes nothing, if the text has a status of a higher rank already.
    """
    became = {
        "of_message": message_id,
        "before": [str(before) for before in sources(MESSAGE_MOVES, status)],
        "became": status,
        "with_code": code,
        "given_sid": sid,
        "now": now,
    }
    advanced = connection.execute(_ADVANCE, became).one_or_none()
    if advanced is None:
        return False
    text = outbox_messages.AdvancedText(*advanced)
    record_events(connection, outbox_messages.of_text(text, status), now)
    return True


def providers_that_refused(connection: Connection, action_id: int) -> frozenset[str]:
    """The providers that refused a text of the action since it was planned or retried."""
    retried_at = (
        select(func.coalesce(func.max(action_event.c.at), "-infinity"))
        .where(
            action_event.c.action_id == action_id,
            action_event.c.from_status == ActionStatus.DEAD,
            action_event.c.to_status == ActionStatus.PLANNED,
        )
        .scalar_subquery()
    )
    refused = connection.execute(
        select(message.c.provider).where(
            of_action(action_id),
            message.c.status == MessageStatus.REFUSED,
            message.c.changed_at > retried_at,
        )
    )
    return frozenset(refused.scalars())


def note_sent_after_all(connection: Connection, message_id: UUID, now: datetime) -> None:
    """Note the problem that a text was sent although it counted as not sent."""
    sent = connection.execute(
        select(action.c.loan_id, action.c.item).join(message).where(message.c.id == message_id)
    ).one()
    detail = because(ReasonCode.SENT_AFTER_ALL, item=sent.item)
    note_problem(connection, sent.loan_id, SENT_AFTER_ALL, detail, now)
