"""Delivers events out: at least once, in order for each loan, until delivered or given up.

An event is claimed and committed, posted without a connection to the database, and then marked. If
a worker dies in between, its claim lapses, and the same event is posted again under the same id.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.events import OutboxStatus
from domain.language.speak import spoken
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db import outbox
from workers.db.outbox import ClaimedEvent
from workers.failures import log_summary
from workers.messaging.backoff import back_off
from workers.outbox.lender_webhook import (
    DeliveryOutcome,
    DeliveryResult,
    LenderWebhook,
    OutgoingEvent,
)
from workers.queues import QUEUE_HOLDS

log = logging.getLogger(__name__)

MAX_TRIES = 54
"""Tries after which an event is given up: the waits between them add up to about two days."""

BATCH_SIZE = 20
"""The most events of one loan that one task delivers; the rest is dispatched again."""

TIME_BUDGET = timedelta(seconds=20)
"""A task that took this long starts no other post: it may run for 45 seconds."""

DISPATCH_BATCH_SIZE = 1_000


def deliver_events(ctx: Context, loan_id: int) -> int:
    """Deliver the due events of one loan in their order. Returns how many were delivered.

    One that fails is tried again later, and the loan's other events wait for it.
    """
    if ctx.lender_webhook is None:
        return 0
    began_at = ctx.now()
    delivered = tried = 0
    with ctx.engine.begin() as connection:
        event = outbox.claim_next(connection, loan_id, began_at, ctx.settings.lease)
    while event is not None:
        result = _post(ctx.lender_webhook, event, ctx.now())
        now = ctx.now()
        tried += 1
        delivered += result.outcome is DeliveryOutcome.DELIVERED
        with ctx.engine.begin() as connection:
            _complete(connection, event, result, now)
            if tried == BATCH_SIZE or now - began_at >= TIME_BUDGET:
                outbox.release_rest(connection, loan_id)
                break
            event = outbox.claim_next(connection, loan_id, now, ctx.settings.lease)
    return delivered


def dispatch_outbox(ctx: Context, announce: Callable[[dict[int, str]], None], waiting: int) -> int:
    """Announce to the workers the loans that have events to deliver; returns how many.

    A loan is announced again if its message was lost. While `waiting` messages fill the queue none
    is added, and without a lender's webhook none is sent.
    """
    room = QUEUE_HOLDS - waiting
    if room <= 0 or ctx.lender_webhook is None:
        return 0
    with ctx.engine.begin() as connection:
        loans = outbox.dispatch_due(
            connection,
            ctx.now(),
            again_after=ctx.settings.lease,
            limit=min(room, DISPATCH_BATCH_SIZE),
        )
    if loans:
        announce(loans)
    return len(loans)


def _post(webhook: LenderWebhook, event: ClaimedEvent, now: datetime) -> DeliveryResult:
    """Post one event. If its payload cannot be read, it is given up, because the other events of
    the loan wait for it."""
    try:
        outgoing = _outgoing(event)
    except Exception as error:
        log.error("event out %s cannot be read: %s", event.event_id, log_summary(error))
        return DeliveryResult(DeliveryOutcome.GONE, because(ReasonCode.UNREADABLE))
    return webhook.post(outgoing, now)


def _outgoing(event: ClaimedEvent) -> OutgoingEvent:
    return OutgoingEvent(
        event_id=event.event_id,
        kind=event.kind,
        happened_at=event.happened_at,
        data={"loan": event.loan, **spoken(event.payload)},
    )


def _complete(
    connection: Connection, event: ClaimedEvent, result: DeliveryResult, now: datetime
) -> None:
    match result.outcome:
        case DeliveryOutcome.DELIVERED:
            outbox.complete(connection, event, OutboxStatus.DELIVERED, now)
        case DeliveryOutcome.FAILED if event.attempts < MAX_TRIES:
            wait = back_off(event.attempts - 1)
            outbox.postpone(connection, event, now + wait, result.reason)
        case DeliveryOutcome.FAILED | DeliveryOutcome.GONE:
            outbox.complete(connection, event, OutboxStatus.DEAD, now, result.reason)
