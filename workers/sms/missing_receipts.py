"""Texts that a provider accepted and of which no receipt came: ask, and after 72 hours presume.

A text counts as tried once it was delivered. Providers deliver receipts at best effort, so a lost
one must not stop a ladder for ever. What is presumed counts for the ladder and never as proof.
"""

import logging
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, literal, or_, select, update

from domain.messages import MessageStatus
from workers.context import Context
from workers.db.messages import in_text, is_first_row, lock_text, texted_number, texted_record
from workers.db.places import place_of_number
from workers.db.schema import contact, message
from workers.db.skip_locked import update_first
from workers.db.typed_rows import columns_of, typed_rows
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.sms.delivery_receipts import receipt_payload, record_receipt
from workers.sms.providers.port import LookupFailedError, StatusReport

log = logging.getLogger(__name__)

FIRST_ASKED_AFTER = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(hours=6)
PRESUMED_AFTER = timedelta(hours=72)
BATCH_SIZE = 25
"""Texts that one run asks about: a task may run for 45 seconds."""

ON_THE_WAY = (MessageStatus.ACCEPTED, MessageStatus.SENT)


class _TextOnTheWay(NamedTuple):
    """The first row of a text: the provider knows no other."""

    id: UUID
    contact_id: int
    provider: str
    sid: str | None
    created_at: datetime
    number_encrypted: bytes | None
    """The number that was texted. None: it was erased, or the record has it no more."""
    number_blind_index: bytes
    record: str
    """The lender's id of the record."""


def ask_about_receipts(ctx: Context) -> int:
    """Ask providers what became of texts without a receipt; returns of how many they knew.

    An answer is recorded as the receipt that did not come. A text that the provider does not know
    about after 72 hours, or that nobody can be asked about any more, is presumed to have been
    tried. If a provider does not answer, its texts are asked about again later, until the same 72
    hours are over.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        texts = take_texts(connection, now)
    known, unavailable = 0, set[str]()
    for text in texts:
        report = None
        try:
            if text.provider not in unavailable:
                report = _ask(ctx, text)
        except LookupFailedError:
            unavailable.add(text.provider)
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:  # nobody can be asked about it
            log.error("text %s cannot be asked about: %s", text.id, log_summary(error))
        with ctx.engine.begin() as connection:
            if report is not None:
                record_receipt(connection, ctx, receipt_payload(report, ctx.cipher))
                known += 1
            elif text.created_at <= now - PRESUMED_AFTER:
                _presume(connection, text, now)
    return known


def _ask(ctx: Context, text: _TextOnTheWay) -> StatusReport | None:
    """What the provider of a text knows of it; None: nothing, or nobody can be asked."""
    gateway = ctx.sms.gateway_to(text.provider)
    if gateway is None or text.number_encrypted is None or text.sid is None:
        return None
    place = place_of_number(text.record, text.number_blind_index)
    number = ctx.cipher.decrypt(text.number_encrypted, place)
    return gateway.receipt_of(text.sid, number, text.created_at)


def take_texts(connection: Connection, now: datetime) -> list[_TextOnTheWay]:
    """Take texts to ask about, the longest wait first; each for one run only."""
    asked_at = message.c.asked_at
    due = and_(
        message.c.status.in_(ON_THE_WAY),
        message.c.presumed_at.is_(None),
        is_first_row(),
        message.c.created_at <= now - FIRST_ASKED_AFTER,
        or_(asked_at.is_(None), asked_at <= now - ASKED_AGAIN_AFTER),
    )
    first = update_first(message, due, (message.c.created_at,), BATCH_SIZE)
    taken = first.values(asked_at=now).returning(message).cte("taken")
    rows = connection.execute(
        select(
            *columns_of(
                _TextOnTheWay,
                taken,
                contact,
                number_encrypted=texted_number(),
                record=texted_record(),
            )
        ).join(contact, contact.c.id == taken.c.contact_id)
    )
    return typed_rows(_TextOnTheWay, rows)


def _presume(connection: Connection, text: _TextOnTheWay, now: datetime) -> None:
    """Presume a text for all loans that it is about.

    A receipt that comes later still counts for what it says.
    """
    lock_text(connection, message.c.id == text.id)  # a receipt locks the first row first too
    rows = select(contact.c.id).where(in_text(contact, literal(text.contact_id)))
    connection.execute(
        update(message)
        .where(message.c.contact_id.in_(rows), message.c.status.in_(ON_THE_WAY))
        .values(presumed_at=now)
    )
