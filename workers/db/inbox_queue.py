"""Events that wait to be applied: dispatched, locked, and given their result."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Connection,
    Text,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import array

from domain.events import InboxStatus
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.free_text import KEPT_ELSEWHERE_KEYS
from workers.db.inbox import EVENT_COLUMNS, StoredEvent, payload_value
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import inbox_event
from workers.db.skip_locked import not_dispatched_since, update_first

BATCH_SIZE = 100
"""The most events that `claim_batch` adds to those that were asked for: few enough that those do
not wait long."""

_IS_RECEIVED = inbox_event.c.status == literal(InboxStatus.RECEIVED)

_PENDING = prepared(
    select(inbox_event.c.id, inbox_event.c.kind)
    .where(is_among(inbox_event.c.id, "of_events"), _IS_RECEIVED)
    .order_by(inbox_event.c.id)
)


class PendingEvent(NamedTuple):
    """An event that is not applied yet."""

    id: int
    kind: str


def filter_pending(connection: Connection, event_ids: Sequence[int]) -> list[PendingEvent]:
    """Those of the events that are not applied yet, in the order in which they came in."""
    rows = connection.execute(_PENDING, {"of_events": list(event_ids)})
    return [PendingEvent(*row) for row in rows]


_LOCK = prepared(
    select(*EVENT_COLUMNS).where(inbox_event.c.id == bindparam("of_event")).with_for_update()
)


def lock_event(connection: Connection, event_id: int) -> StoredEvent:
    """One event, locked. Waits for whoever has locked it."""
    return StoredEvent(*connection.execute(_LOCK, {"of_event": event_id}).one())


def earlier_of_borrower(
    connection: Connection, event: StoredEvent, kinds: Collection[str], *, same_loan: bool = False
) -> str | None:
    """The kind of the first event of these kinds that came in before `event`, is about the same
    borrower (and loan, if `same_loan`), and is not applied yet; None if there is none."""
    if event.payload.get("borrower") is None:
        return None
    earlier = select(inbox_event.c.kind).where(
        _IS_RECEIVED,
        payload_value(inbox_event, "borrower") == event.payload["borrower"],
        inbox_event.c.kind.in_(kinds),
        inbox_event.c.id < event.id,
    )
    if same_loan:
        earlier = earlier.where(payload_value(inbox_event, "loan") == event.payload["loan"])
    kind: str | None = connection.execute(earlier.order_by(inbox_event.c.id).limit(1)).scalar()
    return kind


_EARLIER = inbox_event.alias("earlier")
_ADDED = inbox_event.alias("added")
_FIRST_ADDED = (
    select(_ADDED.c.id)
    .where(
        _ADDED.c.status == literal(InboxStatus.RECEIVED),
        _ADDED.c.kind == bindparam("kind"),
        _ADDED.c.reason.is_(None),
        ~exists().where(
            _EARLIER.c.status == literal(InboxStatus.RECEIVED),
            _EARLIER.c.stops_contact,
            _EARLIER.c.kind != bindparam("kind"),
            payload_value(_EARLIER, "loan") == payload_value(_ADDED, "loan"),
            _EARLIER.c.id < _ADDED.c.id,
        ),
    )
    .order_by(_ADDED.c.id)
    .limit(BATCH_SIZE)
    .with_for_update(of=_ADDED, skip_locked=True)
    .scalar_subquery()
)
_CLAIM = prepared(
    select(*EVENT_COLUMNS)
    .where(
        _IS_RECEIVED,
        inbox_event.c.kind == bindparam("kind"),
        is_among(inbox_event.c.id, "of_events")
        | (inbox_event.c.id == any_(func.array(_FIRST_ADDED))),
    )
    .order_by(inbox_event.c.id)
    .with_for_update(skip_locked=True)
)


def claim_batch(connection: Connection, event_ids: Sequence[int], kind: str) -> list[StoredEvent]:
    """The events asked for, plus up to `BATCH_SIZE` other pending ones of the kind, all locked.

    They are in the order in which they came in. Events that another transaction has locked are left
    out. The others are the oldest that were never tried. An event is left out if an earlier event
    of another kind, which stops contact, is pending for its loan: a promise is applied before its
    payment.
    """
    rows = connection.execute(_CLAIM, {"of_events": list(event_ids), "kind": kind})
    return [StoredEvent(*row) for row in rows]


_RELEASE = prepared(
    update_first(
        inbox_event, is_among(inbox_event.c.id, "of_events") & _IS_RECEIVED, (inbox_event.c.id,)
    ).values(dispatched_at=None)
)


def release_events(connection: Connection, event_ids: Sequence[int]) -> None:
    """Let the sweep dispatch at once the events that are not applied.

    A worker that got the message of an event while it was locked here has passed it over, and gets
    no second message. An event that another transaction has locked is left to that transaction.
    """
    connection.execute(_RELEASE, {"of_events": list(event_ids)})


_RESULT = as_rows(inbox_event.c[name] for name in ("id", "status", "reason", "completed_at"))
_RECORD = prepared(
    update(inbox_event)
    .where(is_among(inbox_event.c.id, "of_events"), inbox_event.c.id == _RESULT.c.id, _IS_RECEIVED)
    .values({name: _RESULT.c[name] for name in ("status", "reason", "completed_at")})
)


_WITHOUT_WORDS = inbox_event.c.payload.op("-")(cast(array(KEPT_ELSEWHERE_KEYS), ARRAY(Text)))
_RECORD_WITH_WORDS = (
    update(inbox_event)
    .where(is_among(inbox_event.c.id, "of_events"), inbox_event.c.id == _RESULT.c.id, _IS_RECEIVED)
    .values(
        **{name: _RESULT.c[name] for name in ("status", "reason", "completed_at")},
        payload=case(
            (_RESULT.c.status == literal(InboxStatus.APPLIED), _WITHOUT_WORDS),
            else_=inbox_event.c.payload,
        ),
    )
)


def record_results(
    connection: Connection, rows: Sequence[Mapping[str, Any]], *, has_words: bool = False
) -> None:
    """Record the results of events: `id`, `status`, `reason` and `completed_at` of each.

    Only a received event gets one: to be applied, to be rejected, or to stay with a reason. If any
    `has_words` that a person typed, an applied event has them no more.
    """
    connection.execute(
        _RECORD_WITH_WORDS if has_words else _RECORD,
        {"of_events": [row["id"] for row in rows]} | given_rows(rows),
    )


_RETRY = prepared(
    text("""
UPDATE inbox_event SET dispatched_at = NULL
 WHERE id = ANY (ARRAY(
           SELECT id FROM inbox_event
            WHERE status = 'received'
              AND EXISTS (SELECT FROM unnest(CAST(:fields AS text[])) field
                           WHERE payload ->> field = ANY (CAST(:ids AS text[])))
              FOR UPDATE SKIP LOCKED))
""")
)


def retry_events_naming(
    connection: Connection, ids: Sequence[str], fields: Collection[str]
) -> None:
    """Let the sweep dispatch at once what waited for these ids, such as a reversal for a payment.

    `fields` are those of the payload that may name them. One that is being applied now is passed
    over: it may wait for a loan that this transaction has locked, and sees what is new then.
    """
    connection.execute(_RETRY, {"ids": list(ids), "fields": list(fields)})


def retry_all_events(connection: Connection) -> None:
    """Let the sweep dispatch every pending event at once, whatever it waits for.

    One that is being applied now is passed over, as by `retry_events_naming`.
    """
    waiting = _IS_RECEIVED & inbox_event.c.dispatched_at.is_not(None)
    connection.execute(
        update_first(inbox_event, waiting, (inbox_event.c.id,)).values(dispatched_at=None)
    )


def dispatch_pending(
    connection: Connection, now: datetime, *, again_before: datetime, limit: int
) -> list[int]:
    """Mark up to `limit` pending events as dispatched; returns their ids in order of arrival.

    New ones are taken first, then those that waited longest. One that was dispatched before
    `again_before` is dispatched again.
    """
    dispatched_at = inbox_event.c.dispatched_at
    first = update_first(
        inbox_event,
        _IS_RECEIVED & not_dispatched_since(dispatched_at, again_before),
        (dispatched_at.nulls_first(), inbox_event.c.id),
        limit,
    ).values(dispatched_at=now)
    return sorted(connection.execute(first.returning(inbox_event.c.id)).scalars())
