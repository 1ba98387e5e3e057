"""What the borrower wrote, and what changed of how to reach them; never a word or a value."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from domain.events import InboxStatus, Named, shown_actor
from domain.language.phrases import Phrase
from domain.language.render import Entry, part
from domain.reasons import ReasonCode
from workers.db.inbox import payload_value
from workers.db.persons import may_mean_record
from workers.db.schema import borrower, inbox_event, reply, staff
from workers.history.loan import ExplainedLoan, by_whom_and_why

CHANGED = (
    *("phone_encrypted", "phones_encrypted", "another_phone_encrypted"),
    *("address_encrypted", "zones", "locale"),
)


def contact_changes(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each change that the lender's systems reported: which contact details changed."""
    rows = connection.execute(
        select(inbox_event.c.payload, inbox_event.c.sender, inbox_event.c.completed_at)
        .select_from(inbox_event)
        .join(borrower, may_mean_record(borrower, payload_value(inbox_event, Named.BORROWER)))
        .where(
            borrower.c.id == subject.borrower_id,
            inbox_event.c.kind == "contact_change",
            inbox_event.c.status == InboxStatus.APPLIED,
        )
        .order_by(inbox_event.c.id)
    )
    for payload, sender, completed_at in rows:
        changed = tuple(name for name in CHANGED if name in payload)
        parts = [part(Phrase.CONTACTS_CHANGED, changed=changed)]
        if actor := payload.get("actor"):
            parts.extend(by_whom_and_why(shown_actor(actor, sender)))
        yield Entry(completed_at, tuple(parts))


def number_orders(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that somebody put the borrower's numbers into another order, or removed some."""
    rows = connection.execute(
        select(*(inbox_event.c[name] for name in ("payload", "sender", "completed_at", "reason")))
        .select_from(inbox_event)
        .join(borrower, may_mean_record(borrower, payload_value(inbox_event, Named.BORROWER)))
        .where(
            borrower.c.id == subject.borrower_id,
            inbox_event.c.kind == "number_order",
            inbox_event.c.status == InboxStatus.APPLIED,
        )
        .order_by(inbox_event.c.id)
    )
    for payload, sender, completed_at, stored in rows:
        actor, order = shown_actor(payload["actor"], sender), payload["order"]
        removed = [r.params["places"] for r in stored or () if r.code is ReasonCode.NUMBERS_REMOVED]
        parts = [part(Phrase.NUMBERS_TAKEN_AWAY, places=at, actor=actor) for at in removed]
        if order != sorted(order):
            parts.append(part(Phrase.NUMBERS_ORDERED, places=order, actor=actor))
        if parts:
            yield Entry(completed_at, tuple(parts))


def replies(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each text that came back, by its kind; who was given it to read, and who saw to it."""
    rows = connection.execute(
        select(
            reply.c.kind,
            reply.c.received_at,
            reply.c.assigned_at,
            reply.c.handled_at,
            reply.c.actor,
            reply.c.meaning,
            staff.c.external_id.label("staff"),
        )
        .outerjoin(staff, staff.c.id == reply.c.staff_id)
        .where(reply.c.borrower_id == subject.borrower_id)
        .order_by(reply.c.id)
    )
    for row in rows:
        yield Entry(row.received_at, (part(Phrase.REPLIED, reply=row.kind),))
        if row.assigned_at is not None and row.staff is not None:
            yield Entry(row.assigned_at, (part(Phrase.REPLY_ASSIGNED, staff=row.staff),))
        if row.handled_at is not None:
            handled = (
                part(Phrase.REPLY_READ_AS, actor=row.actor, meaning=row.meaning)
                if row.meaning
                else part(Phrase.REPLY_HANDLED, actor=row.actor)
            )
            yield Entry(row.handled_at, (handled,))
