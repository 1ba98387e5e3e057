"""Discard an event by hand that cannot be applied."""

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.events import COMPLETED
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db import inbox
from workers.db.schema import inbox_event
from workers.db.staff import roles_of


def discard_event(
    ctx: Context, external_id: str, *, actor: Actor, why: str, dry_run: bool = False
) -> None:
    """Discard an event that waits or was rejected: it is never applied.

    If it is sent again under its id with other contents, it counts as new.

    Raises:
        ArrearsError: there is no such event, it was applied, or `actor` is not on the roster.
    """
    with ctx.engine.begin() as connection:
        roles_of(connection, actor)
        event_id = _lock(connection, external_id)
        if not dry_run:
            reason = because(ReasonCode.EVENT_DISCARDED_BY, actor=actor, why=why)
            inbox.discard_event(connection, event_id, reason, ctx.now())


def _lock(connection: Connection, external_id: str) -> int:
    event = connection.execute(
        select(inbox_event.c.id, inbox_event.c.status)
        .where(inbox_event.c.external_id == external_id)
        .with_for_update()
    ).one_or_none()
    if event is None:
        raise ArrearsError(
            "There is no event {external_id}. `arrears problems list` shows those not applied.",
            external_id=external_id,
        )
    if event.status in COMPLETED:
        raise ArrearsError(
            "Event {external_id} was {status}: it cannot be discarded.",
            external_id=external_id,
            status=event.status,
        )
    return int(event.id)
