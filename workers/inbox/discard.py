"""Show an event, or discard by hand one that cannot be applied."""

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.events import COMPLETED, Named
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import inbox, inbox_queue
from workers.db.unread_texts import PAYLOAD_BODY, TEXTS, keep_unread


@permitted(Permission.READ_OPERATIONS)
def show_event(
    ctx: Context, shown: str
) -> tuple[inbox.StoredEvent, Sequence[inbox.ReplacedContents]]:
    """An event, and what it said before each correction, oldest first. Personal data in it is
    encrypted.

    Raises:
        ArrearsError: there is no such event.
    """
    with ctx.engine.connect() as connection:
        id = inbox.find_event(connection, shown)
        return inbox.event_of_row(connection, id), inbox.replaced_contents(connection, id)


@permitted(Permission.MEND_OPERATIONS)
def discard_event(
    ctx: Context, shown: str, *, actor: Actor, why: str, dry_run: bool = False
) -> None:
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
        reason = because(ReasonCode.EVENT_DISCARDED_BY, actor=actor, why=why)
        inbox.discard_event(connection, event.id, reason, ctx.now())
        if event.kind == TEXTS and event.payload.get(PAYLOAD_BODY):
            keep_unread(connection, event.payload, ctx.cipher)
            words = (PAYLOAD_BODY, Named.NUMBER)
            inbox.forget_values(connection, event.sender, event.external_id, words)


def _lock(connection: Connection, shown: str) -> inbox.StoredEvent:
    event = inbox_queue.lock_event(connection, inbox.find_event(connection, shown))
    if event.status in COMPLETED:
        raise ArrearsError(
            "Event {external_id} was {status}: it cannot be discarded.",
            external_id=shown,
            status=event.status,
        )
    return event
