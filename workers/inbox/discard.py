"""Discard an event by hand that cannot be applied."""

from sqlalchemy import Connection

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.events import COMPLETED
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db import inbox
from workers.db.staff import roles_of


def discard_event(
    ctx: Context, shown: str, *, actor: Actor, why: str, dry_run: bool = False
) -> None:
    """Discard an event that waits or was rejected: it is never applied.

    `shown` is how people name it, such as `core:evt-1`. If it is sent again under its id with other
    contents, it counts as new.

    Raises:
        ArrearsError: there is no such event, it was applied, or `actor` is not on the roster.
    """
    with ctx.engine.begin() as connection:
        roles_of(connection, actor)
        event_id = _lock(connection, shown)
        if not dry_run:
            reason = because(ReasonCode.EVENT_DISCARDED_BY, actor=actor, why=why)
            inbox.discard_event(connection, event_id, reason, ctx.now())


def _lock(connection: Connection, shown: str) -> int:
    event = inbox.lock_event(connection, inbox.find_event(connection, shown))
    if event.status in COMPLETED:
        raise ArrearsError(
            "Event {external_id} was {status}: it cannot be discarded.",
            external_id=shown,
            status=event.status,
        )
    return event.id
