"""Events out: written in the transaction of what they report, and delivered in order.

A transaction that is rolled back writes none. Connections write events only if their engine was
made `with_outbox`: without a lender's webhook to deliver to, nothing would ever leave the table.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Update, and_, select, update

from domain.events import OUTBOX_MOVES, OutboxStatus
from domain.moves import sources
from domain.reasons import Reasons
from workers.db.bulk import insert_rows
from workers.db.schema import loan, outbox_event
from workers.db.skip_locked import not_dispatched_since, update_first
from workers.db.typed_rows import columns_of, typed_row

WITH_OUTBOX = "arrears_with_outbox"


class OutboxEventKind(StrEnum):
    """The events that the lender's systems get; `docs/events.md` says what each one holds."""

    LOAN_ESCALATED = "loan.escalated"
    TEXT_SENT = "text.sent"
    TEXT_DELIVERED = "text.delivered"
    TEXT_FAILED = "text.failed"
    CALL_ASSIGNED = "call.assigned"
    VISIT_SCHEDULED = "visit.scheduled"
    CALL_MADE = "call.made"
    VISIT_MADE = "visit.made"
    VISIT_UNREPORTED = "visit.unreported"
    LEGAL_FILE_OPENED = "legal_file.opened"
    CASE_CURED = "case.cured"
    ARRANGEMENT_LATE = "arrangement.late"
    ARRANGEMENT_ACCEPTED = "arrangement.accepted"
    ARRANGEMENT_ENDED = "arrangement.ended"
    ARRANGEMENT_GOES_ON = "arrangement.goes_on"
    CALL_FAILED_REVIEW = "call.failed_review"
    PROMISE_KEPT = "promise.kept"
    PROMISE_PART_KEPT = "promise.part_kept"
    PROMISE_BROKEN = "promise.broken"
    PROMISE_REOPENED = "promise.reopened"
    DISPUTE_RAISED = "dispute.raised"
    DISPUTE_DUE = "dispute.due"
    DISPUTE_LATE = "dispute.late"
    DISPUTE_RESOLVED = "dispute.resolved"
    COMPLAINT_RECEIVED = "complaint.received"
    COMPLAINT_DUE = "complaint.due"
    COMPLAINT_LATE = "complaint.late"
    COMPLAINT_RESOLVED = "complaint.resolved"
    ACTION_DEAD = "action.dead"
    RESEND_EVENTS = "events.resend"
    """About no loan, and posted at once: see `workers/recovery/events.py`."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One thing that happened to a loan."""

    kind: OutboxEventKind
    loan_id: int
    payload: Mapping[str, Any]
    """Ids, words and dates: never personal data. The loan's external id is added at delivery."""


def with_outbox(engine: Engine) -> Engine:
    """The same engine, whose connections write events into the outbox as well."""
    return engine.execution_options(**{WITH_OUTBOX: True})


def record_events(connection: Connection, messages: Sequence[OutboxMessage], now: datetime) -> None:
    """Write messages into the outbox, in their order, if the connection has one. One statement."""
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
    """An event that this worker delivers until its lease ends."""

    id: int
    event_id: UUID
    loan_id: int
    loan: str
    """The lender's own id of it."""
    kind: str
    payload: Mapping[str, Any]
    happened_at: datetime
    attempts: int
    """Including this one. It also identifies this claim among later ones."""


_LOAN = select(loan.c.external_id).where(loan.c.id == outbox_event.c.loan_id).scalar_subquery()
"""The lender's id of an event's loan."""


def claim_next(
    connection: Connection, loan_id: int, now: datetime, lease: timedelta
) -> ClaimedEvent | None:
    """Claim the first waiting event of a loan; None if it is not due or another worker has it.

    No event of a loan is delivered before the one in front of it is delivered or given up. While
    that one waits to be tried again, all of them wait.
    """
    # A worker that waited here for another worker's lock finds nothing, because the first event is
    # not the first any more: the other worker goes on with the next one itself.
    first = connection.execute(
        select(outbox_event.c.id, outbox_event.c.due_at, outbox_event.c.claimed_until)
        .where(outbox_event.c.loan_id == loan_id, outbox_event.c.status == OutboxStatus.WAITING)
        .order_by(outbox_event.c.id)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if first is None or (first.claimed_until is not None and first.claimed_until > now):
        return None
    if first.due_at > now:
        _postpone(connection, loan_id, first.due_at)
        return None
    claimed = connection.execute(
        update(outbox_event)
        .where(outbox_event.c.id == first.id)
        .values(claimed_until=now + lease, attempts=outbox_event.c.attempts + 1)
        .returning(*columns_of(ClaimedEvent, outbox_event, loan=_LOAN))
    )
    return typed_row(ClaimedEvent, claimed)


def complete(
    connection: Connection,
    event: ClaimedEvent,
    status: OutboxStatus,
    now: datetime,
    reason: Reasons = (),
) -> bool:
    """The event was delivered, or is given up; False, and no change, if the claim has lapsed."""
    return _finish(
        connection,
        event,
        {"status": status, "due_at": None, "completed_at": now, "reason": reason},
        sources(OUTBOX_MOVES, status),
    )


def postpone(connection: Connection, event: ClaimedEvent, until: datetime, reason: Reasons) -> bool:
    """The event is tried again at `until`, and the loan's others wait for it; False as above."""
    if not _finish(connection, event, {"due_at": until, "reason": reason}, [OutboxStatus.WAITING]):
        return False
    _postpone(connection, event.loan_id, until)
    return True


def release_rest(connection: Connection, loan_id: int) -> None:
    """Let the sweep dispatch at once what still waits of a loan."""
    connection.execute(_update_waiting(loan_id).values(dispatched_at=None))


def dispatch_due(
    connection: Connection, now: datetime, *, again_after: timedelta, limit: int
) -> dict[int, str]:
    """Mark up to `limit` due events as dispatched; returns their loans: by id, the lender's id.

    An event that was dispatched longer ago than `again_after` and still waits is dispatched again.
    """
    due = and_(
        outbox_event.c.status == OutboxStatus.WAITING,
        outbox_event.c.due_at <= now,
        not_dispatched_since(outbox_event.c.dispatched_at, now - again_after),
    )
    first = update_first(outbox_event, due, (outbox_event.c.due_at,), limit)
    taken = first.values(dispatched_at=now).returning(outbox_event.c.loan_id, _LOAN)
    return dict(sorted((id, name) for id, name in connection.execute(taken)))


def requeue(connection: Connection, now: datetime, *, event_id: UUID | None = None) -> int:
    """Deliver an event again, or all that were given up; returns how many moved.

    Its id stays the same, and it gets all its tries again.
    """
    which = (
        outbox_event.c.status == OutboxStatus.DEAD
        if event_id is None
        else outbox_event.c.event_id == event_id
    )
    requeued = connection.execute(
        update(outbox_event)
        .where(which, outbox_event.c.status.in_(sources(OUTBOX_MOVES, OutboxStatus.WAITING)))
        .values(
            status=OutboxStatus.WAITING,
            due_at=now,
            attempts=0,
            reason=None,
            completed_at=None,
            dispatched_at=None,
        )
    )
    return requeued.rowcount


def _finish(
    connection: Connection,
    event: ClaimedEvent,
    values: Mapping[str, Any],
    from_statuses: Collection[OutboxStatus],
) -> bool:
    finished = connection.execute(
        update(outbox_event)
        .where(
            outbox_event.c.id == event.id,
            outbox_event.c.status.in_(from_statuses),
            outbox_event.c.attempts == event.attempts,
        )
        .values(claimed_until=None, dispatched_at=None, **values)
    )
    return finished.rowcount == 1


def _postpone(connection: Connection, loan_id: int, until: datetime) -> None:
    earlier = _update_waiting(loan_id).where(outbox_event.c.due_at < until)
    connection.execute(earlier.values(due_at=until, dispatched_at=None))


def _update_waiting(loan_id: int) -> Update:
    return update(outbox_event).where(
        outbox_event.c.loan_id == loan_id, outbox_event.c.status == OutboxStatus.WAITING
    )
