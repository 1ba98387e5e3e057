"""Delivering events out: at least once, in order for each loan, until they are taken or given up.

An event is claimed and committed, posted without a connection to the database, then settled. A
worker that dies in between leaves a claim that lapses, and the same event goes out again under
the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.statuses import OutboxStatus
from workers.actions.retries import back_off
from workers.context import House
from workers.db import outbox
from workers.db.outbox import ClaimedEvent
from workers.outbox.receiver import Answer, DeliveryOutcome, OutgoingEvent
from workers.queues import QUEUE_HOLDS

MOST_TRIES = 54
"""Tries after which an event is dead: the waits between them make up about two days."""

AT_ONCE = 20
"""Events of one loan that one task delivers at most; the rest is announced again."""

ENOUGH = timedelta(seconds=20)
"""A task that took this long starts no other post: it may run for 45 seconds."""

WAKE_AT_ONCE = 1_000


def deliver_events(house: House, loan_id: int) -> int:
    """Deliver the events of one loan that are due, in their order. Returns how many were taken.

    One that is not taken is tried again later, and the loan's others wait for it.
    """
    if house.receiver is None:
        return 0
    began_at = house.now()
    taken = tried = 0
    with house.engine.begin() as connection:
        event = outbox.claim_next(connection, loan_id, began_at, house.settings.lease)
    while event is not None:
        answer = house.receiver.post(_as_sent(event), house.now())
        now = house.now()
        tried += 1
        taken += answer.outcome is DeliveryOutcome.TAKEN
        with house.engine.begin() as connection:
            _settle(connection, event, answer, now)
            if tried == AT_ONCE or now - began_at >= ENOUGH:
                outbox.leave_rest(connection, loan_id)
                break
            event = outbox.claim_next(connection, loan_id, now, house.settings.lease)
    return taken


def wake_outbox(house: House, announce: Callable[[list[int]], None], waiting: int) -> int:
    """Announce loans that have events to deliver; returns how many.

    Also those whose announcement was lost. While `waiting` messages fill the queue nothing is
    added, and without a receiver nothing is announced.
    """
    room = QUEUE_HOLDS - waiting
    if room <= 0 or house.receiver is None:
        return 0
    with house.engine.begin() as connection:
        loan_ids = outbox.wake(
            connection,
            house.now(),
            again_after=house.settings.lease,
            limit=min(room, WAKE_AT_ONCE),
        )
    if loan_ids:
        announce(loan_ids)
    return len(loan_ids)


def _as_sent(event: ClaimedEvent) -> OutgoingEvent:
    return OutgoingEvent(
        event_id=event.event_id,
        kind=event.kind,
        happened_at=event.happened_at,
        data={"loan": event.loan, **event.payload},
    )


def _settle(connection: Connection, event: ClaimedEvent, answer: Answer, now: datetime) -> None:
    match answer.outcome:
        case DeliveryOutcome.TAKEN:
            outbox.settle(connection, event, OutboxStatus.DELIVERED, now)
        case DeliveryOutcome.FAILED if event.attempts < MOST_TRIES:
            wait = back_off(event.attempts - 1)
            outbox.put_off(connection, event, now + wait, answer.reason)
        case DeliveryOutcome.FAILED | DeliveryOutcome.GONE:
            outbox.settle(connection, event, OutboxStatus.DEAD, now, answer.reason)
