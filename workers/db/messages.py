"""Texts in the database: the table of moves guards every change of status."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from domain.actions import ActionStatus
from domain.messages import MESSAGE_MOVES, MessageStatus
from domain.moves import sources
from domain.reasons import ReasonCode, because
from workers.db import outbox_messages
from workers.db.bulk import is_among
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.problems import note_problem
from workers.db.schema import (
    action,
    action_event,
    borrower,
    borrower_number,
    contact,
    contact_point,
    message,
)
from workers.db.typed_rows import columns_of, typed_row, typed_rows

SENT_AFTER_ALL = "sent_after_all"


def of_action(action_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a text is of this action, for a query of `message`.

    It goes by the contact, whose index the frequency caps need already.
    """
    contacts = select(contact.c.id).where(contact.c.action_id == action_id).correlate(action)
    return message.c.contact_id.in_(contacts)


def in_text(row: FromClause, first: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a row of `contact` belongs to the text whose first contact is `first`."""
    return or_(row.c.id == first, row.c.part_of == first)


def is_first_row() -> ColumnElement[bool]:
    """The condition that a row is that of its text that the provider knows, for `message`."""
    part = contact.alias("part")
    return ~exists().where(part.c.id == message.c.contact_id, part.c.part_of.is_not(None))


def is_text(message_id: UUID) -> ColumnElement[bool]:
    """The condition for the first row of the text of which `message_id` is any row."""
    row = message.alias("row")
    first = (
        select(func.coalesce(contact.c.part_of, contact.c.id))
        .join(row, row.c.contact_id == contact.c.id)
        .where(row.c.id == message_id)
    )
    return message.c.contact_id == first.scalar_subquery()


def texted_record() -> ColumnElement[str]:
    """The lender's id of the record that was texted, for a query of `contact`."""
    return (
        select(borrower.c.external_id)
        .where(borrower.c.id == contact.c.borrower_id)
        .correlate(contact)
        .scalar_subquery()
    )


def texted_number() -> ColumnElement[bytes | None]:
    """The number that was texted, encrypted, for a query of `contact`.

    Null: it was erased, or the record has it no more.
    """
    return (
        select(borrower_number.c.number_encrypted)
        .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
        .where(
            borrower_number.c.borrower_id == contact.c.borrower_id,
            contact_point.c.blind_index == contact.c.number_blind_index,
        )
        .correlate(contact)
        .scalar_subquery()
    )


class ActionOfText(NamedTuple):
    """An action of a text, locked, and which of its tries the text is."""

    id: int
    status: ActionStatus
    try_number: int
    """The newest try of the action."""
    of_text: int


def lock_actions_of(connection: Connection, message_id: UUID) -> list[ActionOfText]:
    """Lock the actions of a text, whose first row is `message_id` and is locked."""
    row = message.alias("row")
    first = select(message.c.contact_id).where(message.c.id == message_id).scalar_subquery()
    named = (
        select(*columns_of(ActionOfText, action, of_text=row.c.try_number))
        .join(contact, contact.c.action_id == action.c.id)
        .join(row, row.c.contact_id == contact.c.id)
        .where(in_text(contact, first))
        .order_by(action.c.id)
        .with_for_update(of=action)
    )
    return typed_rows(ActionOfText, connection.execute(named))


class StoredText(NamedTuple):
    """A text that is locked, by its first row."""

    id: UUID
    action_ids: Sequence[int]
    """Of all loans that it is about."""
    provider: str
    sid: str | None
    status: str


def lock_text(connection: Connection, which: ColumnElement[bool]) -> StoredText | None:
    """Lock a text until the transaction ends; None if there is none."""
    part = contact.alias("part")
    actions = select(part.c.action_id).where(in_text(part, message.c.contact_id))
    action_ids = func.array(actions.order_by(part.c.id).scalar_subquery())
    named = select(*columns_of(StoredText, message, action_ids=action_ids))
    named = named.where(which).with_for_update()
    return typed_row(StoredText, connection.execute(named))


_FIRST = message.alias("first")
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
    .join(contact, contact.c.id == message.c.contact_id)
    .where(
        in_text(
            contact,
            select(_FIRST.c.contact_id)
            .where(_FIRST.c.id == bindparam("of_message"))
            .scalar_subquery(),
        ),
        is_among(message.c.status, "before"),
    )
    .order_by(message.c.contact_id)
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
        sid=case(
            (
                message.c.id == bindparam("of_message"),
                func.coalesce(bindparam("given_sid"), message.c.sid),
            ),
            else_=message.c.sid,
        ),
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
    """Record the status of a text, and the events for the lender's systems, one of each loan.

    `message_id` is that of its first row. Returns False, and writes nothing, if the text has a
    status of a higher rank already.
    """
    became = {
        "of_message": message_id,
        "before": [str(before) for before in sources(MESSAGE_MOVES, status)],
        "became": status,
        "with_code": code,
        "given_sid": sid,
        "now": now,
    }
    advanced = connection.execute(_ADVANCE, became).all()
    texts = [outbox_messages.AdvancedText(*row)._replace(id=message_id) for row in advanced]
    events = [event for text in texts for event in outbox_messages.of_text(text, status)]
    record_events(connection, events, now)
    return bool(texts)


def providers_that_refused(connection: Connection, action_ids: Sequence[int]) -> frozenset[str]:
    """The providers that refused a text of the actions since it was planned or retried."""
    retried_at = (
        select(func.coalesce(func.max(action_event.c.at), "-infinity"))
        .where(
            action_event.c.action_id == contact.c.action_id,
            action_event.c.from_status == ActionStatus.DEAD,
            action_event.c.to_status == ActionStatus.PLANNED,
        )
        .scalar_subquery()
    )
    refused = connection.execute(
        select(message.c.provider)
        .join(contact, contact.c.id == message.c.contact_id)
        .where(
            contact.c.action_id.in_(action_ids),
            message.c.status == MessageStatus.REFUSED,
            message.c.changed_at > retried_at,
        )
    )
    return frozenset(refused.scalars())


def note_sent_after_all(connection: Connection, message_id: UUID, now: datetime) -> None:
    """Note the problem that a text was sent although it counted as not sent."""
    first = select(message.c.contact_id).where(message.c.id == message_id).scalar_subquery()
    sent = connection.execute(
        select(action.c.loan_id, action.c.item)
        .join(contact, contact.c.action_id == action.c.id)
        .where(in_text(contact, first))
        .order_by(action.c.loan_id)
    )
    for row in sent.all():
        detail = because(ReasonCode.SENT_AFTER_ALL, item=row.item)
        note_problem(connection, row.loan_id, SENT_AFTER_ALL, detail, now)
