"""Delivery receipts: what a provider reports later about a text, in any order and repeatedly."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actions import MOST_TRIES, PLANNED_AGAIN, WAITING, ActionStatus, Move
from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.events import Named, NotYetError
from domain.messages import NOT_DELIVERED, UNSENT, MessageStatus
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.closed_numbers import close_number
from workers.db.encryption import Cipher
from workers.db.messages import (
    StoredText,
    advance_message,
    is_text,
    lock_actions_of,
    lock_text,
    note_sent_after_all,
)
from workers.db.review_dates import review_what_waits
from workers.db.schema import action, contact, message, receipt
from workers.sms.providers.port import StatusReport

SENT_STATUSES = frozenset({MessageStatus.ACCEPTED, MessageStatus.SENT, MessageStatus.DELIVERED})
"""Statuses that prove that a text was sent."""


def receipt_payload(report: StatusReport, cipher: Cipher) -> dict[str, str | None]:
    """A provider's report as the payload of an event.

    It has no telephone number. If the report says something of the number for good, it has the
    keyed hash, by which the claim finds everybody who has the number.
    """
    payload: dict[str, str | None] = {
        "provider": report.provider,
        "message_id": str(report.reference) if report.reference else None,
        "sid": report.sid,
        "word": report.word,
        "status": report.status,
        "code": report.code,
    }
    if report.number_fact is not None:
        payload["number_fact"] = report.number_fact
        if report.to is not None:
            payload[Named.NUMBER] = cipher.blind_index(report.to).hex()
    return payload


def record_receipt(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Record a receipt and advance the status of its message, which never moves back.

    What a failure says of the number for good is recorded of the number that was texted, once: a
    receipt that is repeated does not undo what a person found out since.

    A receipt also resolves a text whose response was lost or is not recorded yet, or that waits for
    a person. It was sent, and its action is done; or it did not arrive, and its action does not
    count as tried: `_handle_failure`.
    `message_id` is our own id. It is None for a provider that does not return it; then the
    provider's `sid` finds the text.

    Raises:
        NotYetError: no such message is on record. Its sid may not be recorded yet.
    """
    now = ctx.now()
    stored = _find(connection, payload)
    if stored is None:
        raise NotYetError(ReasonCode.RECEIPT_OF_UNKNOWN_TEXT)
    new = connection.execute(
        insert(receipt)
        .values(
            message_id=stored.id,
            sid=payload["sid"],
            status=payload["word"],
            code=payload["code"],
            received_at=now,
        )
        .on_conflict_do_nothing()
    )
    if new.rowcount and (said := payload.get("number_fact")):
        _note_number_fact(connection, stored, NumberFact(said), now)
    status = MessageStatus(payload["status"])
    if stored.status in UNSENT:
        if status in SENT_STATUSES:
            _handle_sent_after_all(connection, stored, now)
        return because(
            ReasonCode.RECEIPT_OF_UNSENT_TEXT, text=str(stored.id), receipt=payload["word"]
        )
    if stored.sid != payload["sid"]:
        _clear_sid_of_others(connection, stored, payload["sid"])
    sid, code = payload["sid"], payload["code"]
    advanced = advance_message(connection, stored.id, status, now, sid=sid, code=code)
    before = MessageStatus(stored.status)
    became = status if advanced else before
    if became in NOT_DELIVERED:
        _handle_failure(connection, stored, code, now)
    elif before in NOT_DELIVERED:
        _handle_arrived_after_all(connection, stored, now)
    else:
        # The response may be lost or not recorded yet; the receipt decides in both cases.
        move_actions(connection, stored.action_ids, PROVES_SENT, now)
    return because(ReasonCode.RECEIPT_RECORDED, text=str(stored.id), receipt=payload["word"])


PROVES_SENT = Move(ActionStatus.DONE, because(ReasonCode.RECEIPT_PROVES_SENT))


def move_after_failure(code: str | None, try_number: int, now: datetime) -> Move:
    """The move of an action of which the provider accepted a text that did not arrive.

    It was not tried. From the next day on, the ladder may plan its next try. The last one is left
    to a person. `now` is in the lender's zone.
    """
    known = {"provider_code": code or "none"}
    if try_number >= MOST_TRIES:
        reason = because(ReasonCode.NOT_DELIVERED_AGAIN, number=try_number, **known)
        return Move(ActionStatus.DEAD, reason)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return Move(ActionStatus.UNDELIVERED, because(ReasonCode.NOT_DELIVERED, **known), (), tomorrow)


def _handle_failure(
    connection: Connection, stored: StoredText, code: str | None, now: datetime
) -> None:
    """Its actions do not count as tried, unless a newer text of them is on its way.

    What waits and requires their step goes on waiting: the claim asks. A review plans the next try.
    """
    ids = defaultdict[Move, list[int]](list)
    for each in lock_actions_of(connection, stored.id):
        if each.try_number == each.of_text and each.status in _ACTED:
            ids[move_after_failure(code, each.try_number, now)].append(each.id)
    for move, action_ids in ids.items():
        move_actions(connection, action_ids, move, now)
        review_what_waits(connection, action_ids, now.date() + timedelta(days=1), now)


_ACTED = frozenset({ActionStatus.CLAIMED, ActionStatus.UNKNOWN, ActionStatus.DONE})
_NEXT_TRY_NOT_SENT = WAITING | PLANNED_AGAIN | {ActionStatus.DEAD}


def _handle_arrived_after_all(connection: Connection, stored: StoredText, now: datetime) -> None:
    """A text arrived that counted as undelivered: the next try is prevented, if it was not sent."""
    actions = lock_actions_of(connection, stored.id)
    arrived = because(ReasonCode.ARRIVED_AFTER_ALL)
    ids = [each.id for each in actions if each.status in _NEXT_TRY_NOT_SENT]
    move_actions(connection, ids, Move(ActionStatus.UNDELIVERED, arrived), now)
    move_actions(connection, ids, Move(ActionStatus.DONE, arrived), now)
    if any(each.try_number > each.of_text and each.status in _ACTED for each in actions):
        note_sent_after_all(connection, stored.id, now)


def _find(connection: Connection, payload: Mapping[str, Any]) -> StoredText | None:
    """The message, locked; found by our own id, else by the provider's."""
    which = (
        is_text(UUID(payload["message_id"]))
        if payload["message_id"]
        else (message.c.provider == payload["provider"]) & (message.c.sid == payload["sid"])
    )
    return lock_text(connection, which)


def _note_number_fact(
    connection: Connection, stored: StoredText, fact: NumberFact, now: datetime
) -> None:
    texted = select(contact.c.number_blind_index).join(message).where(message.c.id == stored.id)
    number = connection.execute(texted).scalar()
    if number is not None:
        provider = Actor(stored.provider, ActorKind.PROVIDER)
        close_number(connection, number, fact, provider, now)


def _clear_sid_of_others(connection: Connection, stored: StoredText, sid: str) -> None:
    """Of two equal texts to one number, reconciliation may have given one the sid of the other."""
    connection.execute(
        update(message)
        .where(
            message.c.provider == stored.provider, message.c.sid == sid, message.c.id != stored.id
        )
        .values(sid=None)
    )


def _handle_sent_after_all(connection: Connection, stored: StoredText, now: datetime) -> None:
    """The text keeps its status; if it has not been sent a second time yet, that is prevented."""
    note_sent_after_all(connection, stored.id, now)
    failed = connection.execute(
        select(action.c.id)
        .where(action.c.id.in_(stored.action_ids), action.c.status == ActionStatus.FAILED)
        .order_by(action.c.id)
        .with_for_update()
    )
    if ids := failed.scalars().all():
        reason = because(ReasonCode.RECEIPT_PROVES_SENT_AFTER_ALL)
        move_actions(connection, ids, Move(ActionStatus.DEAD, reason), now)
