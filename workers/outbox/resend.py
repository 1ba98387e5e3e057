"""Events out that were not delivered: lists them, and sends those that were given up again."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import Connection, func, select

from domain.errors import ArrearsError
from domain.events import OutboxStatus
from domain.reasons import Reasons
from workers.context import Context
from workers.db import outbox
from workers.db.schema import loan, outbox_event
from workers.db.typed_rows import columns_of, typed_rows

MAX_SHOWN = 200
"""The most events that are listed, the oldest first."""


@dataclass(frozen=True, slots=True)
class UndeliveredEvent:
    """An event that is not delivered. Times are in the lender's zone."""

    event: UUID
    loan: str
    kind: str
    status: str
    attempts: int
    reason: Reasons
    """Why the last try failed; empty: it was not tried yet."""
    happened_at: datetime
    next_try_at: datetime | None
    """None: it was given up."""


@dataclass(frozen=True, slots=True)
class UndeliveredEvents:
    """The first `MAX_SHOWN` of the events that were asked for, and how many there are."""

    events: tuple[UndeliveredEvent, ...]
    total: int


def read_undelivered(
    connection: Connection, zone: tzinfo, *, dead_only: bool = False
) -> UndeliveredEvents:
    """Events that wait or were given up, or only the latter. Holds no personal data."""
    statuses = [OutboxStatus.DEAD] if dead_only else [OutboxStatus.WAITING, OutboxStatus.DEAD]
    asked = outbox_event.c.status.in_(statuses)
    columns = columns_of(
        UndeliveredEvent,
        outbox_event,
        event=outbox_event.c.event_id,
        loan=loan.c.external_id,
        next_try_at=outbox_event.c.due_at,
    )
    rows = connection.execute(
        select(*columns)
        .join(loan, loan.c.id == outbox_event.c.loan_id)
        .where(asked)
        .order_by(outbox_event.c.id)
        .limit(MAX_SHOWN)
    )
    events = tuple(typed_rows(UndeliveredEvent, rows, zone))
    total = connection.execute(select(func.count()).select_from(outbox_event).where(asked))
    return UndeliveredEvents(events, total.scalar_one())


def resend(ctx: Context, event_id: UUID) -> None:
    """Deliver an event again, under its id and with all its tries before it.

    Also one that was delivered, because a receiver may have lost it.

    Raises:
        ArrearsError: there is no such event, it still waits, or no webhook is set.
    """
    _assert_webhook_is_set(ctx)
    with ctx.engine.begin() as connection:
        if outbox.requeue(connection, ctx.now(), event_id=event_id):
            return
        status = connection.execute(
            select(outbox_event.c.status).where(outbox_event.c.event_id == event_id)
        ).scalar()
    if status is None:
        raise ArrearsError(
            "There is no event {event_id}. `arrears outbox list` shows those that were not taken.",
            event_id=event_id,
        )
    raise ArrearsError(
        "The event {event_id} still waits, and goes out by itself.", event_id=event_id
    )


def resend_dead(ctx: Context) -> int:
    """Deliver again all events that were given up; returns how many.

    Raises:
        ArrearsError: no webhook is set.
    """
    _assert_webhook_is_set(ctx)
    with ctx.engine.begin() as connection:
        return outbox.requeue(connection, ctx.now())


def _assert_webhook_is_set(ctx: Context) -> None:
    if ctx.lender_webhook is None:
        raise ArrearsError(
            "No events are delivered: ARREARS_EVENTS_OUT_URL is not set. Set it to the address of "
            "the lender's systems."
        )
