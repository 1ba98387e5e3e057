"""Events from outside: stored first, then applied, each of them once."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from domain.actors import Actor, ActorKind
from domain.errors import (
    AppliedOtherwiseError,
    ArrearsError,
    AskedForError,
    KeptAsRejectedError,
    RefusedError,
    text_of,
)
from domain.events import (
    STAFF,
    HandlerResult,
    InboxStatus,
    LoanLockedError,
    NotYetError,
    RejectedError,
    WaitsForTapeError,
    sender_of,
)
from domain.language.speak import speak
from domain.loans import Component
from domain.permissions import Permission, needs_second_person
from domain.reasons import NOTHING_CHANGED, ReasonCode, Reasons, because, decimal_string
from workers.access.may_handle import assert_may_report
from workers.access.permitted import permitted
from workers.access.second_person import with_second_person
from workers.context import Context
from workers.db import inbox, inbox_queue
from workers.db.encryption import Cipher
from workers.db.engine import autocommit
from workers.db.free_text import KEPT_ELSEWHERE_KEYS, WHY, sealed, unsealed
from workers.db.inbox import StoredEvent
from workers.db.schema import instalment, loan
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.inbox.kinds import EVENT_KINDS, BatchHandler
from workers.payments.payments import Payment

log = logging.getLogger(__name__)


def store_event(
    connection: Connection,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    sender: str = STAFF,
    wait: bool = True,
    cipher: Cipher | None = None,
) -> int:
    """Store an event under the id its sender gave it; returns the id of its row.

    The same event twice is stored once. Until it is applied, the same id with other contents
    corrects it, and what it said before is kept; its kind never changes. The payload must hold no
    personal data that is not encrypted. Without `wait`, a correction of an event that is being
    applied right now fails at once. With `cipher` it is compared with what an earlier release
    stored, too, which did not encrypt what people typed.

    Raises:
        AppliedOtherwiseError: it was applied already, with other contents.
        ArrearsError: it is of another kind.
        OperationalError: it is locked, and `wait` is False.
    """
    stored = _insert_new(connection, sender, external_id, kind, payload, now)
    if stored is not None:
        return stored
    # Whoever applies it has it locked, perhaps for long: the same event again does not wait.
    known = inbox.event_known_as(connection, sender, external_id)
    if known.kind != kind:
        raise ArrearsError(
            "{external_id} is on record as an event of the kind {kind}, and its kind never "
            "changes. Send this one under an id of its own.",
            external_id=external_id,
            kind=known.kind,
        )
    before = sealed(cipher, known.payload) if cipher else known.payload
    if _said(before) == _said(payload):
        return known.id
    known = inbox.lock_event_known_as(connection, sender, external_id, wait=wait)
    if not inbox.correct_event(connection, known, payload, EVENT_KINDS[kind].pending, now):
        named = known.payload.get("loan")
        raise AppliedOtherwiseError(
            "{external_id} is on record with other contents{of} and was applied. Send "
            "what is new under an id of its own.",
            external_id=external_id,
            of=text_of(", for loan {loan},", loan=named) if named else text_of(","),
        )
    return known.id


def _of_kind(ctx: Context, external_id: str, kind: str, *_: Any, **__: Any) -> Permission:
    """What whoever reports an event must be permitted."""
    return EVENT_KINDS[kind].permission


@permitted(_of_kind)
def store_and_commit(
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    sender: str = STAFF,
    wait: bool = True,
) -> int:
    """`store_event` in a transaction of its own. A new event costs one round trip."""
    payload = sealed(ctx.cipher, payload)
    stored = _store_unless_known(ctx, sender, external_id, kind, payload, now)
    if stored is not None:
        return stored
    with ctx.engine.begin() as connection:
        return store_event(
            connection,
            external_id,
            kind,
            payload,
            now,
            sender=sender,
            wait=wait,
            cipher=ctx.cipher,
        )


@permitted(_of_kind)
def store_unless_known(
    ctx: Context, external_id: str, kind: str, payload: Mapping[str, Any], *, sender: str
) -> int | None:
    """Store an event whose contents its id stands for; None if it is stored already. One round
    trip, which waits for nobody."""
    return _store_unless_known(ctx, sender, external_id, kind, payload, ctx.now())


def _store_unless_known(
    ctx: Context,
    sender: str,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> int | None:
    with autocommit(ctx.engine) as connection:
        return _insert_new(connection, sender, external_id, kind, payload, now)


def _insert_new(
    connection: Connection,
    sender: str,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> int | None:
    pending = EVENT_KINDS[kind].pending
    return inbox.insert_event(connection, sender, external_id, kind, payload, pending, now)


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a payload says, whoever reported it: the same event may be reported by two people."""
    return {name: value for name, value in inbox.comparable(payload).items() if name != "actor"}


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of an event."""

    status: InboxStatus
    """Applied, rejected, or received while something that it names is not known yet."""
    reason: Reasons
    completed_before: bool = False
    """Whether an earlier try had this result, and this one changed nothing."""


def apply_events(ctx: Context, event_ids: Sequence[int]) -> list[EventResult]:
    """Apply stored events in the order in which they came in, each once; returns their results.

    Each event is applied, and fails, by itself; how many one message holds only matters for speed.
    Neighbours of a kind that has a batch handler share one transaction and its statements, plus up
    to 100 other unlocked pending events of that kind: the more come in, the less each one costs.
    Those that were applied meanwhile are passed over. The order holds within one call: of two
    calls at the same time either may be first.
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

    If that fails, those asked for are applied one by one, so that only the one at fault keeps the
    reason. Those of them whose loan is locked are applied after it, each waiting for its lock while
    this worker holds no other.
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
        return _apply(connection, ctx, event_id)


def _apply(connection: Connection, ctx: Context, event_id: int) -> EventResult:
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
    """Check that what the event means by its place is at that place by now, and that no earlier
    event is applied after it that says who is party to its loan.

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


@permitted(_of_kind)
def submit(
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    dry_run: bool = False,
    may_wait: bool = True,
) -> EventResult:
    """Store an event that a person reports and apply it, in one transaction.

    One that can never be applied is not stored, because the person sees the error at once. An event
    that was stored before keeps the contents that it had. One that was applied before changes
    nothing, and its result says what is true now. So does one with other contents whose id people
    do not choose, such as a second write-off of a loan. A dry run stores and changes nothing. One
    that may not wait is not stored while something that it names is unknown.

    Raises:
        SecondPersonNeededError: another person has not granted it yet, and one must.
        RefusedError: whoever reports it must not handle the person; it can never be applied as it
            is; a person discarded it; it names something unknown and may not wait, or a second
            person is needed; or it was applied already, and says otherwise now.
        AppliedOtherwiseError: it was applied already with other contents.
    """
    stored, sender = sealed(ctx.cipher, payload), sender_of(ctx.actor)
    with ctx.engine.begin() as connection:
        if not EVENT_KINDS[kind].by_anybody:
            assert_may_report(connection, _reporter(ctx, payload), payload)
        try:
            event_id = store_event(
                *(connection, external_id, kind, stored, ctx.now()),
                sender=sender,
                cipher=ctx.cipher,
            )
        except AppliedOtherwiseError:
            chosen_id = EVENT_KINDS[kind].id_field is not None
            reason = () if chosen_id else _true_now(connection, ctx, kind, payload, refuse=True)
            if not reason:
                raise
            return EventResult(InboxStatus.APPLIED, reason, completed_before=True)
        result = _apply(connection, ctx, event_id)
        if result.status in (InboxStatus.REJECTED, InboxStatus.DISCARDED):
            is_kept = result.completed_before and result.status == InboxStatus.REJECTED
            error = KeptAsRejectedError if is_kept else RefusedError
            raise error(speak(result.reason), result.reason)
        if result.completed_before:
            known = because(ReasonCode.EVENT_KNOWN, event_id=external_id)
            reason = _true_now(connection, ctx, kind, payload) or known
            result = EventResult(result.status, reason, completed_before=True)
        if result.status is InboxStatus.RECEIVED and needs_second_person(
            ctx.actor, EVENT_KINDS[kind].permission
        ):
            # It would be applied by itself later, without the second person.
            reason = result.reason + because(ReasonCode.CANNOT_WAIT)
            raise RefusedError(speak(reason), reason)
        if result.status is InboxStatus.RECEIVED and not may_wait:
            raise RefusedError(speak(result.reason), result.reason)
        if dry_run:
            connection.rollback()
        else:
            _let_second_person_see(connection, ctx, external_id, kind, payload, result)
    return result


def _reporter(ctx: Context, payload: Mapping[str, Any]) -> Actor:
    """Who reports an event: whoever acts, or for whom a machine says it."""
    said = payload.get("actor")
    return Actor(said) if ctx.actor.kind is ActorKind.MACHINE and said else ctx.actor


def _let_second_person_see(
    connection: Connection,
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    result: EventResult,
) -> None:
    """Go on with what an event has done if another person has granted it, where one must.

    Raises:
        SecondPersonNeededError: nobody has granted it yet; what it did is undone.
    """
    permission = EVENT_KINDS[kind].permission
    if not needs_second_person(ctx.actor, permission):
        return
    if not (result.reason and result.reason[0].code in NOTHING_CHANGED):
        facts = {"event": external_id} | {
            name.replace("_", " "): value for name, value in payload.items() if name != WHY
        }
        if kind == "write_off":
            facts["sum that is written off"] = _debt(connection, payload["loan"])
        owed = select(loan.c.borrower_id).where(loan.c.external_id == payload.get("loan"))
        with_second_person(
            *(connection, ctx, permission, result.reason, facts),
            words={WHY: payload.get(WHY)},
            borrower_id=connection.execute(owed).scalar(),
        )


def _debt(connection: Connection, loan_external_id: str) -> str:
    """All that is unpaid of a loan, due or not, with its currency."""
    of_each = sum(instalment.c[part] - instalment.c[f"paid_{part}"] for part in Component)
    unpaid = (
        select(loan.c.currency, func.coalesce(func.sum(of_each), 0).label("unpaid"))
        .join_from(loan, instalment, instalment.c.loan_id == loan.c.id, isouter=True)
        .where(loan.c.external_id == loan_external_id)
        .group_by(loan.c.id)
    )
    row = connection.execute(unpaid).one()
    return f"{decimal_string(row.unpaid, row.currency)} {row.currency}"


def _true_now(
    connection: Connection,
    ctx: Context,
    kind: str,
    payload: Mapping[str, Any],
    *,
    refuse: bool = False,
) -> Reasons:
    """What an event that was applied before would come to now, if it would change nothing.

    Its first result may not be true any more: a payment may be reversed, a promise broken.

    Raises:
        RefusedError: it would be rejected, and is to be refused for that.
    """
    savepoint = connection.begin_nested()
    try:
        reason = EVENT_KINDS[kind].apply(connection, ctx, payload)
    except RejectedError as error:
        if refuse:
            raise RefusedError(speak(error.reason), error.reason) from None
        return ()
    except NotYetError:
        return ()
    finally:
        savepoint.rollback()
    return reason if reason and reason[0].code in NOTHING_CHANGED else ()


def dispatch_events(ctx: Context, *, limit: int = 1_000) -> list[int]:
    """Take pending events for a message: new ones first, then those that waited longest.

    One that was dispatched and is still pending when its lease ends is taken again.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        return inbox_queue.dispatch_pending(
            connection, now, again_before=now - ctx.settings.lease, limit=limit
        )


def payment_payload(paid: Payment) -> dict[str, str]:
    """A payment as the payload of an event."""
    payload: dict[str, str] = TypeAdapter(Payment).dump_python(
        paid, mode="json", exclude_none=True, exclude={"sender"}
    )
    return payload
