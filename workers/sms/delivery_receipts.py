"""Receipts: what the provider tells us later about a text, in any order and more than once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actions import ActionStatus, Move
from domain.events import NotYetError
from domain.messages import UNSENT, MessageStatus
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import advance_message, note_sent_after_all
from workers.db.schema import action, message, receipt
from workers.db.typed_rows import typed_row
from workers.sms.providers.port import StatusReport


class _StoredText(NamedTuple):
    id: UUID
    action_id: int
    provider: str
    sid: str | None
    status: str


ON_ITS_WAY = frozenset({MessageStatus.ACCEPTED, MessageStatus.SENT, MessageStatus.DELIVERED})
"""What no text is that was never sent."""


def receipt_payload(report: StatusReport) -> dict[str, str | None]:
    """A provider's report as an event's payload; the number it names is left out."""
    return {
        "provider": report.provider,
        "message_id": str(report.reference) if report.reference else None,
        "sid": report.sid,
        "word": report.word,
        "status": report.status,
        "code": report.code,
    }


def record_receipt(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> str:
    """Put a receipt on record and let the message advance; it never goes backwards.

    A receipt settles a text whose answer was lost or is not recorded yet, and one that waits for a
    person: it was sent, and the action is done, or the provider failed to send it, and the action
    is dead. `message_id` is the house's own; where a provider does not send it back, it is None,
    and the text is found by the provider's `sid`.

    Raises:
        NotYetError: no such message is on record. Its sid may still be on its way.
    """
    now = ctx.now()
    sent = _find(connection, payload)
    if sent is None:
        raise NotYetError("The receipt is for a message that is not on record here.")
    connection.execute(
        insert(receipt)
        .values(
            message_id=sent.id,
            sid=payload["sid"],
            status=payload["word"],
            code=payload["code"],
            received_at=now,
        )
        .on_conflict_do_nothing()
    )
    status = MessageStatus(payload["status"])
    if sent.status in UNSENT:
        if status in ON_ITS_WAY:
            _sent_after_all(connection, sent, now)
        return f"Message {sent.id}: {payload['word']}, although it counted as not sent."
    if sent.sid != payload["sid"]:
        _take_sid_from_others(connection, sent, payload["sid"])
    advance_message(connection, sent.id, status, now, sid=payload["sid"], code=payload["code"])
    # The answer may be lost, or still on its way: a receipt knows better than either.
    move_actions(connection, [sent.action_id], after(status, payload["code"]), now)
    return f"Message {sent.id}: {payload['word']}."


def after(status: MessageStatus, code: str | None) -> Move:
    """Where an action goes whose text the provider took, by what became of the text."""
    if status is MessageStatus.FAILED:
        return Move(ActionStatus.DEAD, f"The provider could not send it (code {code or 'none'}).")
    return Move(ActionStatus.DONE, "a receipt proves that it was sent")


def _find(connection: Connection, payload: Mapping[str, Any]) -> _StoredText | None:
    """The message, locked: by our own id of it, else by the provider's."""
    named = (
        message.c.id == UUID(payload["message_id"])
        if payload["message_id"]
        else (message.c.provider == payload["provider"]) & (message.c.sid == payload["sid"])
    )
    locked = select(*(message.c[name] for name in _StoredText._fields)).where(named)
    return typed_row(_StoredText, connection.execute(locked.with_for_update()))


def _take_sid_from_others(connection: Connection, sent: _StoredText, sid: str) -> None:
    """Of two equal texts to one number, one may have been given the other's sid for its own."""
    connection.execute(
        update(message)
        .where(message.c.provider == sent.provider, message.c.sid == sid, message.c.id != sent.id)
        .values(sid=None)
    )


def _sent_after_all(connection: Connection, sent: _StoredText, now: datetime) -> None:
    """The text stays what a person or the provider said it is; another one is stopped in time."""
    note_sent_after_all(connection, sent.id, now)
    again = connection.execute(
        select(action.c.status).where(action.c.id == sent.action_id).with_for_update()
    ).scalar_one()
    if again == ActionStatus.FAILED:
        reason = "A receipt proves that its text was sent after all."
        move_actions(connection, [sent.action_id], Move(ActionStatus.DEAD, reason), now)
