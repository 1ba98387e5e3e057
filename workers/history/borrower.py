"""What the borrower wrote, and what changed of how to reach them; never a word or a value."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from domain.events import InboxStatus
from domain.inbound_texts import ReplyKind
from domain.language.phrases import Entry, Phrase, say
from workers.db.schema import borrower, inbox_event, reply, staff
from workers.history.loan import LoanTold

CHANGED = {
    "phone_encrypted": Phrase.PHONE_CHANGED,
    "address_encrypted": Phrase.ADDRESS_CHANGED,
    "zones": Phrase.ZONES_CHANGED,
    "locale": Phrase.LOCALE_CHANGED,
}


def contact_changes(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each change that the lender's systems told of: what of the contacts changed."""
    rows = connection.execute(
        select(inbox_event.c.payload, inbox_event.c.completed_at)
        .join(borrower, borrower.c.external_id == inbox_event.c.payload["borrower"].astext)
        .where(
            borrower.c.id == told.borrower_id,
            inbox_event.c.kind == "contact_change",
            inbox_event.c.status == InboxStatus.APPLIED,
        )
        .order_by(inbox_event.c.id)
    )
    for payload, completed_at in rows:
        changed = tuple(say(phrase) for key, phrase in CHANGED.items() if key in payload)
        yield Entry(completed_at, (say(Phrase.CONTACTS_CHANGED, changed=changed),))


def replies(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Each text that came back, by its kind; who was given it to read, and who saw to it."""
    rows = connection.execute(
        select(
            reply.c.kind,
            reply.c.received_at,
            reply.c.assigned_at,
            reply.c.handled_at,
            reply.c.actor,
            staff.c.external_id.label("staff"),
        )
        .outerjoin(staff, staff.c.id == reply.c.staff_id)
        .where(reply.c.borrower_id == told.borrower_id)
        .order_by(reply.c.id)
    )
    for row in rows:
        yield Entry(row.received_at, (say(Phrase.REPLIED, kind=ReplyKind(row.kind)),))
        if row.assigned_at is not None and row.staff is not None:
            yield Entry(row.assigned_at, (say(Phrase.REPLY_ASSIGNED, staff=row.staff),))
        if row.handled_at is not None:
            handled = say(Phrase.REPLY_HANDLED, actor=row.actor)
            yield Entry(row.handled_at, (handled,))
