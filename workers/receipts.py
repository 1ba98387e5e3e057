"""Receipts: what the provider tells us later about a text, in any order and more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.statuses import ActionStatus, MessageStatus, earlier_than
from workers.events import RejectedError
from workers.gateways.twilio import StatusReport
from workers.house import House
from workers.store.actions import Move, move_actions
from workers.store.schema import message, receipt


def receipt_payload(report: StatusReport) -> dict[str, str | None]:
    """A provider's report as an event's payload; the number it names is left out."""
    return {
        "message_id": str(report.reference),
        "sid": report.sid,
        "word": report.word,
        "status": report.status,
        "code": str(report.code) if report.code else None,
    }


def record_receipt(connection: Connection, house: House, payload: Mapping[str, Any]) -> str:
    """Put a receipt on record and let the message advance; it never goes backwards.

    A receipt settles a text whose answer was lost or is not recorded yet: it was sent, and the
    action is done, or the provider failed to send it, and the action is dead.

    Raises:
        RejectedError: nobody here sent such a message.
    """
    now = house.now()
    sent = connection.execute(
        select(message.c.id, message.c.action_id)
        .where(message.c.id == UUID(payload["message_id"]))
        .with_for_update()
    ).one_or_none()
    if sent is None:
        raise RejectedError("The receipt is for a message that nobody here sent.")
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
    connection.execute(
        update(message)
        .where(message.c.id == sent.id, message.c.status.in_(earlier_than(status)))
        .values(status=status, sid=payload["sid"], code=payload["code"], changed_at=now)
    )
    # The answer may be lost, or still on its way: a receipt knows better than either.
    move_actions(connection, [sent.action_id], _proven(status, payload["code"]), now)
    return f"Message {sent.id}: {payload['word']}."


def _proven(status: MessageStatus, code: str | None) -> Move:
    if status is MessageStatus.FAILED:
        return Move(ActionStatus.DEAD, f"The provider could not send it (code {code or 'none'}).")
    return Move(ActionStatus.DONE, "a receipt proves that it was sent")
