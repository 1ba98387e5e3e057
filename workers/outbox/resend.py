"""Events out that were not delivered: lists them, and sends those that were given up again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from domain.errors import ArrearsError
from domain.events import OutboxStatus
from domain.permissions import Permission
from domain.reasons import Reasons
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import outbox
from workers.db.loans import known_loan_id
from workers.db.pages import (
    ALL,
    NOTHING,
    Asked,
    Listing,
    Page,
    assert_of,
    count_by,
    maker,
    of_loan,
    read_page,
)
from workers.db.prepared_statements import literal
from workers.db.schema import loan, outbox_event
from workers.db.typed_rows import columns_of


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
    """The events that wait, the next first, and those that were given up, the oldest first."""

    waiting: Page[UndeliveredEvent]
    dead: Page[UndeliveredEvent]


@permitted(Permission.READ_OPERATIONS)
def read_undelivered(
    connection: Connection, ctx: Context, asked: Asked = ALL, *, dead_only: bool = False
) -> UndeliveredEvents:
    """Events that wait or were given up, or only the latter. Holds no personal data.

    `asked.kind` is a kind of event.

    Raises:
        ArrearsError: the loan is not known, or the page is none of these lists.
    """
    assert_of({OutboxStatus.DEAD} if dead_only else set(OutboxStatus), asked)
    event = outbox_event.c
    if asked.loan is not None:
        known_loan_id(connection, asked.loan)
    columns = columns_of(
        UndeliveredEvent,
        outbox_event,
        event=event.event_id,
        loan=loan.c.external_id,
        next_try_at=event.due_at,
    )

    def of_status(status: OutboxStatus, *keys: ColumnElement[Any]) -> Page[UndeliveredEvent]:
        where = [event.status == literal(status), *of_loan(event.loan_id, asked)]
        if asked.kind is not None:
            where.append(event.kind == asked.kind)
        listing = Listing(
            status,
            select(*columns).join(loan, loan.c.id == event.loan_id).where(*where),
            keys,
            maker(UndeliveredEvent, ctx.settings.lender_zone),
            count_by(event.kind, outbox_event, *where),
        )
        return read_page(connection, listing, asked)

    return UndeliveredEvents(
        NOTHING if dead_only else of_status(OutboxStatus.WAITING, event.due_at, event.id),
        of_status(OutboxStatus.DEAD, event.id),
    )


@permitted(Permission.MEND_OPERATIONS)
def resend(ctx: Context, event_id: UUID) -> None:
    """Deliver an event again, under its id and with all its tries before it.

    It may have been delivered before: a receiver may have lost it.

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


@permitted(Permission.MEND_OPERATIONS)
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
