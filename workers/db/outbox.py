"""Events out: written in the transaction of what they tell, and taken from here in order.

A transaction that is rolled back tells nothing. The connections of a house that has a receiver
know that they tell; those of any other write nothing here, so that nothing piles up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, and_, select, update

from domain.events import OutboxStatus
from workers.db.bulk import insert_rows
from workers.db.schema import loan, outbox_event
from workers.db.skip_locked import not_dispatched_since, update_first

WITH_OUTBOX = "arrears_tells"


class OutboxEventKind(StrEnum):
    """What the lender's systems are told; `docs/events.md` says what each one holds."""

    LOAN_ESCALATED = "loan.escalated"
    TEXT_SENT = "text.sent"
    TEXT_DELIVERED = "text.delivered"
    TEXT_FAILED = "text.failed"
    CALL_ASSIGNED = "call.assigned"
    VISIT_SCHEDULED = "visit.scheduled"
    CALL_MADE = "call.made"
    VISIT_MADE = "visit.made"
    LEGAL_FILE_OPENED = "legal_file.opened"
    CASE_CURED = "case.cured"
    ACTION_DEAD = "action.dead"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One thing that happened to a loan."""

    kind: OutboxEventKind
    loan_id: int
    payload: Mapping[str, Any]
    """Ids, words and dates: never personal data. The loan's external id is added on the way out."""


def with_outbox(engine: Engine) -> Engine:
    """The same engine, whose connections write what they do into the outbox as well."""
    return engine.execution_options(**{WITH_OUTBOX: True})


def record_events(connection: Connection, messages: Sequence[OutboxMessage], now: datetime) -> None:
    """Put news into the outbox, in their order, if this house has a receiver. One statement."""
    if not messages or not connection.get_execution_options().get(WITH_OUTBOX):
        return
    rows = [
        {
            "event_id": uuid4(),
            "loan_id": message.loan_id,
            "kind": message.kind,
            "payload": message.payload,
            "happened_at": now,
            "status": OutboxStatus.WAITING,
            "due_at": now,
        }
        for message in messages
    ]
    insert_rows(connection, outbox_event, rows)


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """An event that is ours to deliver until its lease ends."""

    id: int
    event_id: UUID
    loan_id: int
    loan: str
    """The lender's own id of it."""
    kind: str
    payload: Mapping[str, Any]
    happened_at: datetime
    attempts: int
    """This one counted. It also tells our claim from a later one."""


def claim_next(
    connection: Connection, loan_id: int, now: datetime, lease: timedelta
) -> ClaimedEvent | None:
    """Claim the first event of a loan that waits; None if it is not due or somebody has it.

    No event of a loan goes before the one in front of it is delivered or given up. Where that one
    waits to be tried again, all of them wait.
    """
    # A worker that waits here for another one's lock finds nothing, for the first event is not
    # the first any more: whoever settled it goes on with the next one itself.
    first = connection.execute(
        select(outbox_event, loan.c.external_id)
        .join(loan, loan.c.id == outbox_event.c.loan_id)
        .where(outbox_event.c.loan_id == loan_id, outbox_event.c.status == OutboxStatus.WAITING)
        .order_by(outbox_event.c.id)
        .limit(1)
        .with_for_update(of=outbox_event)
    ).one_or_none()
    if first is None or (first.claimed_until is not None and first.claimed_until > now):
        return None
    if first.due_at > now:
        _postpone(connection, loan_id, first.due_at)
        return None
    connection.execute(
        update(outbox_event)
        .where(outbox_event.c.id == first.id)
        .values(claimed_until=now + lease, attempts=first.attempts + 1)
    )
    return ClaimedEvent(
        id=first.id,
        event_id=first.event_id,
        loan_id=loan_id,
        loan=first.external_id,
        kind=first.kind,
        payload=first.payload,
        happened_at=first.happened_at,
        attempts=first.attempts + 1,
    )


def complete(
    connection: Connection,
    event: ClaimedEvent,
    status: OutboxStatus,
    now: datetime,
    reason: str | None = None,
) -> bool:
    """The event was delivered, or is given up; False if our claim of it has lapsed."""
    return _finish(
        connection,
        event,
        {"status": status, "due_at": None, "completed_at": now, "reason": reason},
    )


def postpone(connection: Connection, event: ClaimedEvent, until: datetime, reason: str) -> bool:
    """The event is tried again at `until`, and the loan's others wait for it; False as above."""
    if not _finish(connection, event, {"due_at": until, "reason": reason}):
        return False
    _postpone(connection, event.loan_id, until)
    return True


def release_rest(connection: Connection, loan_id: int) -> None:
    """Let the events of a loan that still wait be announced again at once."""
    connection.execute(
        update(outbox_event)
        .where(outbox_event.c.loan_id == loan_id, outbox_event.c.status == OutboxStatus.WAITING)
        .values(dispatched_at=None)
    )


def dispatch_due(
    connection: Connection, now: datetime, *, again_after: timedelta, limit: int
) -> list[int]:
    """The loans of up to `limit` events whose time has come, each loan once, to be announced.

    An event that was announced longer ago than `again_after` and still waits is announced again.
    """
    due = and_(
        outbox_event.c.status == OutboxStatus.WAITING,
        outbox_event.c.due_at <= now,
        not_dispatched_since(outbox_event.c.dispatched_at, now - again_after),
    )
    first = update_first(outbox_event, due, (outbox_event.c.due_at,), limit)
    dispatched = connection.execute(
        first.values(dispatched_at=now).returning(outbox_event.c.loan_id)
    )
    return sorted(set(dispatched.scalars()))


def _finish(connection: Connection, event: ClaimedEvent, values: Mapping[str, Any]) -> bool:
    finished = connection.execute(
        update(outbox_event)
        .where(
            outbox_event.c.id == event.id,
            outbox_event.c.status == OutboxStatus.WAITING,
            outbox_event.c.attempts == event.attempts,
        )
        .values(claimed_until=None, dispatched_at=None, **values)
    )
    return finished.rowcount == 1


def _postpone(connection: Connection, loan_id: int, until: datetime) -> None:
    connection.execute(
        update(outbox_event)
        .where(
            outbox_event.c.loan_id == loan_id,
            outbox_event.c.status == OutboxStatus.WAITING,
            outbox_event.c.due_at < until,
        )
        .values(due_at=until, dispatched_at=None)
    )
