"""Events from outside: stored first, applied after, each once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError
from domain.events import Answer, LoanLockedError, NotYetError, RejectedError
from workers.context import Context
from workers.db.engine import autocommit
from workers.db.inbox import (
    Event,
    claim_batch,
    filter_pending,
    lock_event,
    record_outcomes,
    release_events,
    retry_events_naming,
)
from workers.db.prepared_statements import prepared
from workers.db.schema import inbox_event
from workers.db.skip_locked import not_dispatched_since, update_first
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.inbox.handlers import HANDLERS, TOGETHER
from workers.payments.payments import Payment

log = logging.getLogger(__name__)

_STORE = prepared(
    insert(inbox_event)
    .values(
        {name: bindparam(name) for name in ("external_id", "kind", "payload", "received_at")}
        | {"status": "received"}
    )
    .on_conflict_do_nothing()
    .returning(inbox_event.c.id)
)


def store_event(
    connection: Connection, external_id: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> int:
    """Store an event under the id its sender gave it, and return the house's own id of it.

    The same event twice is stored once. Until it is applied, the same id with other contents
    corrects it. The payload must hold no personal data.

    Raises:
        ArrearsError: it was applied already, and its contents were others.
    """
    stored = _store_what_is_new(connection, external_id, kind, payload, now)
    if stored is not None:
        return stored
    known = connection.execute(
        select(inbox_event).where(inbox_event.c.external_id == external_id).with_for_update()
    ).one()
    if (known.kind, _said(known.payload)) != (kind, _said(payload)):
        if known.status == "applied":
            of = f", for loan {known.payload['loan']}," if "loan" in known.payload else ""
            raise ArrearsError(
                f"{external_id} is on record with other contents{of} and was applied. "
                "Send what is new under an id of its own."
            )
        connection.execute(
            update(inbox_event)
            .where(inbox_event.c.id == known.id)
            .values(
                kind=kind,
                payload=payload,
                status="received",
                reason=None,
                completed_at=None,
                dispatched_at=None,
            )
        )
    return int(known.id)


def store_and_commit(
    ctx: Context, external_id: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> int:
    """`receive` in a transaction of its own; what is new costs one round trip."""
    with autocommit(ctx.engine) as connection:
        stored = _store_what_is_new(connection, external_id, kind, payload, now)
    if stored is not None:
        return stored
    with ctx.engine.begin() as connection:
        return store_event(connection, external_id, kind, payload, now)


def _store_what_is_new(
    connection: Connection, external_id: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> int | None:
    came = {"external_id": external_id, "kind": kind, "payload": payload, "received_at": now}
    stored: int | None = connection.execute(_STORE, came).scalar()
    return stored


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says. The same words are sealed anew each time: a digest stands for them."""
    if "digest" not in payload:
        return dict(payload)
    return {name: value for name, value in payload.items() if not name.endswith("_encrypted")}


@dataclass(frozen=True, slots=True)
class EventResult:
    """What came of an event."""

    status: str
    """`applied`, `rejected`, or `received` while something it names has not come in yet."""
    reason: str
    """A sentence for people."""


def apply_events(ctx: Context, event_ids: Sequence[int]) -> list[EventResult]:
    """Apply stored events in the order in which they came in, each once; what came of each.

    The event is what is applied, and what fails; how many are announced at once is a matter of
    speed. Neighbours of one kind that comes in numbers share a transaction and its statements, and
    with them goes what else of that kind waits and nobody is at: the more comes in, the less each
    one costs. What was applied meanwhile is passed over. The order holds within one call: of two
    at the same time either may come first.
    """
    settled: list[EventResult] = []
    with autocommit(ctx.engine) as connection:
        waiting = filter_pending(connection, event_ids)
    try:
        for kind, run in groupby(waiting, key=attrgetter("kind")):
            ids = [one.id for one in run]
            if kind in TOGETHER:
                settled += _apply_batch(ctx, kind, ids)
            else:
                settled += [apply_event(ctx, event_id) for event_id in ids]
    except Exception:
        # A lock that is not let go of, a limit of time: what was not reached need not wait for it.
        _tell_again(ctx, event_ids)
        raise
    return settled


def _apply_batch(ctx: Context, kind: str, event_ids: Sequence[int]) -> list[EventResult]:
    """Apply events of one kind, and others of it that wait, in one transaction.

    If that fails those asked for are taken one by one, and only the one at fault says so. Those of
    them whose loan somebody holds are waited for after it, holding nothing else.
    """
    taken: Sequence[Event] = []
    try:
        with ctx.engine.begin() as connection:
            taken = claim_batch(connection, event_ids, kind)
            if not taken:
                return []
            answers = TOGETHER[kind](connection, ctx, [each_event.payload for each_event in taken])
            now = ctx.now()
            came = list(zip(taken, answers, strict=True))
            answered = [
                (event, _settled(event, answer, now))
                for event, answer in came
                if not isinstance(answer, LoanLockedError)
            ]
            _put_on_record(connection, answered, now)
            held = [event.id for event, answer in came if isinstance(answer, LoanLockedError)]
            if held:
                release_events(connection, held)
    except Exception as error:
        _tell_again(ctx, [each_event.id for each_event in taken if each_event.id not in event_ids])
        if not taken or isinstance(error, TRANSIENT_ERRORS):
            raise
        log.warning("%s events are applied one by one: %s", len(taken), log_summary(error))
        return [
            apply_event(ctx, each_event.id) for each_event in taken if each_event.id in event_ids
        ]
    waited_for = [event_id for event_id in held if event_id in event_ids]
    return [*(one for _, one in answered), *(apply_event(ctx, id) for id in waited_for)]


def _tell_again(ctx: Context, event_ids: Sequence[int]) -> None:
    """Have the sweep tell of those that are not applied; or else their leases end some time."""
    if event_ids:
        with suppress(OperationalError), ctx.engine.begin() as connection:
            release_events(connection, event_ids)


def apply_event(ctx: Context, event_id: int) -> EventResult:
    """Apply one stored event, once. Waits for whoever is at it, or at its loan."""
    with ctx.engine.begin() as connection:
        event = lock_event(connection, event_id)
        if event.status != "received":
            return EventResult(event.status, event.reason)
        answer: Answer | Exception
        try:
            with connection.begin_nested():
                answer = HANDLERS[event.kind](connection, ctx, event.payload)
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:
            answer = error
        now = ctx.now()
        settled = _settled(event, answer, now)
        _put_on_record(connection, [(event, settled)], now)
        return settled


def _settled(event: Event, answer: Answer | Exception, now: datetime) -> EventResult:
    """What an answer means for its event: whether it is tried again, and what people are told."""
    match answer:
        case str():
            return EventResult("applied", answer)
        case NotYetError():
            return EventResult("rejected" if _give_up(event, now) else "received", str(answer))
        case RejectedError():
            return EventResult("rejected", str(answer))
    log.error("event %s failed: %s", event.id, log_summary(answer))
    return EventResult("received", f"It could not be applied ({type(answer).__name__}).")


def _put_on_record(
    connection: Connection,
    answered: Sequence[tuple[Event, EventResult]],
    now: datetime,
) -> None:
    if not answered:
        return
    rows = [
        {
            "id": event.id,
            "status": came.status,
            "reason": came.reason,
            "completed_at": None if came.status == "received" else now,
        }
        for event, came in answered
    ]
    record_outcomes(connection, rows)
    names = [
        event.payload[NAMED_BY[event.kind]]
        for event, came in answered
        if came.status == "applied" and event.kind in NAMED_BY
    ]
    if names:
        retry_events_naming(connection, names)


NAMED_BY = {"payment": "external_id", "promise": "promise", "hold": "hold", "dispute": "dispute"}
"""By kind, where its payload has the id under which other events name it."""


def submit(ctx: Context, external_id: str, kind: str, payload: Mapping[str, Any]) -> EventResult:
    """Store an event that a person tells of, and apply it at once.

    Raises:
        ArrearsError: it can never be applied, or was applied already with other contents.
    """
    with ctx.engine.begin() as connection:
        event_id = store_event(connection, external_id, kind, payload, ctx.now())
    settled = apply_event(ctx, event_id)
    if settled.status == "rejected":
        raise ArrearsError(settled.reason)
    return settled


def dispatch_events(ctx: Context, *, limit: int = 1_000) -> list[int]:
    """Take stored events that are not applied: new ones first, then those that waited longest.

    One that was announced and still waits when its lease ends is taken again.
    """
    now = ctx.now()
    dispatched_at = inbox_event.c.dispatched_at
    waiting = (inbox_event.c.status == "received") & not_dispatched_since(
        dispatched_at, now - ctx.settings.lease
    )
    first = update_first(
        inbox_event, waiting, (dispatched_at.nulls_first(), inbox_event.c.id), limit
    ).values(dispatched_at=now)
    with ctx.engine.begin() as connection:
        return list(connection.execute(first.returning(inbox_event.c.id)).scalars())


def payment_payload(paid: Payment) -> dict[str, str]:
    """A payment as an event's payload."""
    return {
        "external_id": paid.external_id,
        "loan": paid.loan,
        "amount": str(paid.amount),
        "currency": paid.currency,
        "paid_on": paid.paid_on.isoformat(),
    }


def _give_up(event: Event, now: datetime) -> bool:
    """Whether what an event of this kind names has had its time to come in."""
    waits_for_at_most = GIVE_UP_AFTER.get(event.kind)
    return waits_for_at_most is not None and event.received_at < now - waits_for_at_most


GIVE_UP_AFTER = {"receipt": timedelta(days=1)}
"""By kind, how long an event waits for what it names. Other kinds wait without end: money must not
be lost. A receipt may come before the answer that it belongs to is on record, by minutes."""
