"""Stored events are applied, each of them once, in the order in which they came in."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from domain.errors import (
    AskedForError,
)
from domain.events import (
    HandlerResult,
    InboxStatus,
    LoanLockedError,
    NotYetError,
    RejectedError,
    WaitsForTapeError,
)
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db import inbox_queue
from workers.db.engine import autocommit
from workers.db.free_text import KEPT_ELSEWHERE_KEYS, unsealed
from workers.db.inbox import StoredEvent
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.inbox.event_kind import BatchHandler
from workers.inbox.kinds import EVENT_KINDS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of an event."""

    status: InboxStatus
    """Applied, rejected, or received while something that it names is not known yet."""
    reason: Reasons
    completed_before: bool = False
    """Whether an earlier try had this result, and this one changed nothing."""


def dispatch_events(ctx: Context, *, limit: int = 1_000) -> list[int]:
    """Take pending events for a message: new ones first, then those that waited longest.

    One that was dispatched and is still pending when its lease ends is taken again.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        return inbox_queue.dispatch_pending(
            connection, now, again_before=now - ctx.settings.lease, limit=limit
        )


def apply_events(ctx: Context, event_ids: Sequence[int]) -> list[EventResult]:
    """Apply stored events in the order in which they came in, each once; returns their results.

    Each event is applied, and fails, by itself; how many one message holds only matters for speed.
    Neighbours of a kind that has a batch handler share one transaction and its statements, with up
    to 100 other unlocked pending events of that kind: the more come in, the less each one costs.
    Events that were applied meanwhile are passed over. The order holds within one call of this
    function; two calls at the same time have no order.
    """
    results: list[EventResult] = []
    with autocommit(ctx.engine) as connection:
        pending = inbox_queue.filter_pending(connection, event_ids)
    try:
        for kind, run in groupby(pending, key=attrgetter("kind")):
            ids = [event.id for event in run]
            batch_handler = EVENT_KINDS[kind].apply_batch if kind in EVENT_KINDS else None
            if batch_handler:
                results += _apply_batch(ctx, kind, batch_handler, ids)
            else:
                results += [apply_event(ctx, event_id) for event_id in ids]
    except Exception:
        # A lock that is not released, or a time limit: what was not reached need not wait for it.
        _release(ctx, event_ids)
        raise
    return results


def _apply_batch(
    ctx: Context, kind: str, handler: BatchHandler, event_ids: Sequence[int]
) -> list[EventResult]:
    """Apply events of one kind, and others of it that are pending, in one transaction.

    If that fails, the events asked for are applied one by one, so that only the one at fault keeps
    the reason. If the loan of an event is locked, the event is applied afterwards: it waits for its
    lock while this worker holds no other.
    """
    claimed: Sequence[StoredEvent] = []
    try:
        with ctx.engine.begin() as connection:
            claimed = inbox_queue.claim_batch(connection, event_ids, kind)
            if not claimed:
                return []
            outcomes = handler(connection, ctx, [event.facts for event in claimed])
            now = ctx.now()
            results, locked = [], []
            for event, outcome in zip(claimed, outcomes, strict=True):
                if isinstance(outcome, LoanLockedError):
                    locked.append(event.id)
                else:
                    results.append((event, _result(event, outcome, now)))
            _record_results(connection, results, now)
            if locked:
                inbox_queue.release_events(connection, locked)
    except Exception as error:
        _release(ctx, [event.id for event in claimed if event.id not in event_ids])
        if not claimed or isinstance(error, TRANSIENT_ERRORS):
            raise
        log.warning("%s events are applied one by one: %s", len(claimed), log_summary(error))
        return [apply_event(ctx, event.id) for event in claimed if event.id in event_ids]
    waited_for = [event_id for event_id in locked if event_id in event_ids]
    return [*(result for _, result in results), *(apply_event(ctx, id) for id in waited_for)]


def _release(ctx: Context, event_ids: Sequence[int]) -> None:
    """Let the sweep dispatch those that are not applied; if that fails, their leases end later."""
    if event_ids:
        with suppress(OperationalError), ctx.engine.begin() as connection:
            inbox_queue.release_events(connection, event_ids)


def apply_event(ctx: Context, event_id: int) -> EventResult:
    """Apply one stored event, once. Waits for whoever has locked it, or its loan."""
    with ctx.engine.begin() as connection:
        return apply_in(connection, ctx, event_id)


def apply_in(connection: Connection, ctx: Context, event_id: int) -> EventResult:
    event = inbox_queue.lock_event(connection, event_id)
    if event.status != InboxStatus.RECEIVED:
        return EventResult(InboxStatus(event.status), event.reason, completed_before=True)
    outcome: HandlerResult | Exception
    try:
        with connection.begin_nested():
            _check_order(connection, event)
            outcome = EVENT_KINDS[event.kind].apply(
                connection, ctx, unsealed(ctx.cipher, event.facts)
            )
    except TRANSIENT_ERRORS:
        raise
    except AskedForError:  # nothing is done until another person grants it
        raise
    except Exception as error:
        outcome = error
    now = ctx.now()
    result = _result(event, outcome, now)
    _record_results(connection, [(event, result)], now)
    return result


def _check_order(connection: Connection, event: StoredEvent) -> None:
    """Check that what the event names by its place, such as the second number, is at that place by
    now, and that no earlier event about the parties of its loan is still to be applied.

    Raises:
        NotYetError: an earlier event, which is not applied yet, changes that.
    """
    kind = EVENT_KINDS[event.kind]
    behind = kind.waits_behind(event.payload)
    if behind and (
        earlier := inbox_queue.earlier_of_borrower(
            connection, event, behind, same_loan=kind.is_ordered
        )
    ):
        raise NotYetError(
            ReasonCode.EARLIER_EVENT_WAITS, borrower=event.payload["borrower"], event=earlier
        )


def _result(event: StoredEvent, outcome: HandlerResult | Exception, now: datetime) -> EventResult:
    """What a handler's outcome means for the event: whether it is tried again, and why."""
    match outcome:
        case tuple():
            return EventResult(InboxStatus.APPLIED, outcome)
        case WaitsForTapeError():
            return EventResult(InboxStatus.RECEIVED, outcome.reason)
        case NotYetError():
            gives_up = _has_waited_enough(event, now)
            status = InboxStatus.REJECTED if gives_up else InboxStatus.RECEIVED
            return EventResult(status, outcome.reason)
        case RejectedError():
            return EventResult(InboxStatus.REJECTED, outcome.reason)
    log.error("event %s failed: %s", event.id, log_summary(outcome))
    reason = because(ReasonCode.FAILED, error=type(outcome).__name__)
    return EventResult(InboxStatus.RECEIVED, reason)


def _has_waited_enough(event: StoredEvent, now: datetime) -> bool:
    at_most = EVENT_KINDS[event.kind].waits_at_most
    return at_most is not None and event.waits_since < now - at_most


def _record_results(
    connection: Connection, results: Sequence[tuple[StoredEvent, EventResult]], now: datetime
) -> None:
    if not results:
        return
    rows = [
        {
            "id": event.id,
            "status": result.status,
            "reason": result.reason,
            "completed_at": None if result.status is InboxStatus.RECEIVED else now,
        }
        for event, result in results
    ]
    # Applied, what people typed is kept with what it is about.
    has_words = any(_has_words(event.payload) for event, _ in results)
    inbox_queue.record_results(connection, rows, has_words=has_words)
    ids = [
        event.payload[id_field]
        for event, result in results
        if result.status is InboxStatus.APPLIED and (id_field := EVENT_KINDS[event.kind].id_field)
    ]
    if ids:
        fields = {kind.names for kind in EVENT_KINDS.values() if kind.names}
        inbox_queue.retry_events_naming(connection, ids, fields)


def _has_words(payload: object) -> bool:
    return isinstance(payload, Mapping) and any(key in payload for key in KEPT_ELSEWHERE_KEYS)
