"""Show an event, or discard it by hand if it cannot be applied."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from domain.errors import ArrearsError
from domain.events import COMPLETED, Named
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import inbox, inbox_queue
from workers.db.free_text import keep_words, open_reasons
from workers.db.persons import record_named
from workers.db.schema import loan
from workers.db.unread_texts import PAYLOAD_BODY, TEXTS, keep_unread


@permitted(Permission.READ_OPERATIONS)
def show_event(
    ctx: Context, shown: str
) -> tuple[inbox.StoredEvent, Sequence[inbox.ReplacedContents]]:
    """An event, and what it said before each correction, oldest first. Personal data in it is
    encrypted. What somebody typed who discarded it is for who may see personal data.

    Raises:
        ArrearsError: there is no such event.
    """
    with ctx.engine.connect() as connection:
        id = inbox.find_event(connection, shown)
        stored = inbox.event_of_row(connection, id)
        if may(ctx.actor, Permission.READ_PERSONS):
            reason = open_reasons(connection, ctx.cipher, stored.reason)
            stored = stored._replace(reason=reason)
        return stored, inbox.replaced_contents(connection, id)


@permitted(Permission.MEND_OPERATIONS)
def discard_event(ctx: Context, shown: str, *, why: str, dry_run: bool = False) -> None:
    """Discard an event that waits or was rejected: it is never applied.

    A text from a borrower may ask for no contact at all. So it waits to be read from then on, and
    holds texts to its number until somebody has read it.

    `shown` is how people name it, such as `core:evt-1`. If it is sent again under its id with other
    contents, it counts as new.

    Raises:
        ArrearsError: there is no such event, or it was applied.
    """
    with ctx.engine.begin() as connection:
        event = _lock(connection, shown)
        if dry_run:
            return
        now = ctx.now()
        why_id = keep_words(connection, ctx.cipher, why, now, **_whose(connection, ctx, event))
        reason = because(ReasonCode.EVENT_DISCARDED_BY, actor=ctx.actor, why_id=why_id)
        inbox.discard_event(connection, event.id, reason, now)
        if event.kind == TEXTS and event.payload.get(PAYLOAD_BODY):
            keep_unread(connection, event.payload, ctx.cipher)
            words = (PAYLOAD_BODY, Named.NUMBER)
            inbox.forget_values(connection, event.sender, event.external_id, words)


def _whose(connection: Connection, ctx: Context, event: inbox.StoredEvent) -> dict[str, Any]:
    """With whom what is typed about an event goes: the loan or the record that it names; if it
    names none on record, after the time for strangers."""
    if name := event.payload.get(Named.LOAN):
        of_loan = select(loan.c.id).where(loan.c.external_id == name)
        if (loan_id := connection.execute(of_loan).scalar()) is not None:
            return {"loan_id": loan_id}
    name = event.payload.get(Named.BORROWER)
    if name and (borrower_id := record_named(connection, name)) is not None:
        return {"borrower_id": borrower_id}
    return {"expires_at": ctx.now() + timedelta(days=ctx.settings.strangers_after_days)}


def _lock(connection: Connection, shown: str) -> inbox.StoredEvent:
    event = inbox_queue.lock_event(connection, inbox.find_event(connection, shown))
    if event.status in COMPLETED:
        raise ArrearsError(
            "Event {external_id} was {status}: it cannot be discarded.",
            external_id=shown,
            status=event.status,
        )
    return event
