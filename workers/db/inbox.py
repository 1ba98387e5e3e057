"""Events from outside, as rows: stored, locked, and given their result."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
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
from sqlalchemy.dialects.postgresql import array, insert

from domain.errors import ArrearsError
from domain.events import INBOX_MOVES, STAFF, InboxStatus, Named
from domain.moves import sources
from domain.reasons import Reasons
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import inbox_event, replaced_event
from workers.db.skip_locked import not_dispatched_since, update_first
from workers.db.typed_rows import columns_of

BATCH_SIZE = 100
"""The most events that `claim_batch` adds to those that were asked for: few enough that those do
not wait long."""


class StoredEvent(NamedTuple):
    """One row of the inbox. It holds no personal data that is not encrypted."""

    id: int
    sender: str
    external_id: str
    kind: str
    payload: Mapping[str, Any]
    status: InboxStatus
    reason: Reasons
    received_at: datetime

    @property
    def facts(self) -> Mapping[str, Any]:
        """The payload, with the moment at which it came in, and with the sender whose ids it names:
        its own, where it names no other.

        Where the staff names none there is no sender: it means everybody's ids.
        """
        own = None if self.sender == STAFF else self.sender
        sender = self.payload.get("sender") or own
        said = {name: value for name, value in self.payload.items() if name != "sender"}
        said = {"received_at": self.received_at, **said}
        return {**said, "sender": sender} if sender else said


class HeldBack(NamedTuple):
    """Whom an event holds back until it is applied, beside what its payload names."""

    stops_contact: bool
    """Whoever its payload names is not contacted; False: nobody is held back."""
    reaches_number: bool
    """So is everybody who has a number of the borrower that it names."""
    reaches_address: bool
    """So is everybody who has the address of the borrower, or of the loan, that it names."""


_COLUMNS = columns_of(StoredEvent, inbox_event)
_IS_RECEIVED = inbox_event.c.status == literal(InboxStatus.RECEIVED)


def shown_id(events: Any) -> ColumnElement[str]:
    """How people name an event: `core:evt-1`; what the staff typed has its own id alone."""
    of_staff = events.c.sender == literal(STAFF)
    named = events.c.sender + literal(":") + events.c.external_id
    shown: ColumnElement[str] = case((of_staff, events.c.external_id), else_=named)
    return shown


def payload_value(events: Any, key: str) -> ColumnElement[str]:
    """The value of a key in the payload, written as the partial indexes write it."""
    value: ColumnElement[str] = events.c.payload.op("->>", return_type=Text())(literal(key))
    return value


_INSERT = prepared(insert(inbox_event).on_conflict_do_nothing().returning(inbox_event.c.id))


def insert_event(
    connection: Connection,
    sender: str,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    held_back: HeldBack,
    now: datetime,
) -> int | None:
    """Store an event; returns its id, or None if its sender gave this id to one before."""
    values = {
        "sender": sender,
        "external_id": external_id,
        "kind": kind,
        "payload": payload,
        **held_back._asdict(),
        "received_at": now,
        "status": InboxStatus.RECEIVED,
    }
    stored: int | None = connection.execute(_INSERT, values).scalar()
    return stored


def event_known_as(connection: Connection, sender: str, external_id: str) -> StoredEvent:
    """The stored event with its sender's id, as it is now. Nothing is locked."""
    return StoredEvent(*connection.execute(_known_as(sender, external_id)).one())


def lock_event_known_as(
    connection: Connection, sender: str, external_id: str, *, wait: bool
) -> StoredEvent:
    """The stored event with its sender's id, locked.

    Raises:
        OperationalError: another transaction has it locked, for longer than the lock timeout, or at
            all without `wait`.
    """
    locked = _known_as(sender, external_id).with_for_update(nowait=not wait)
    return StoredEvent(*connection.execute(locked).one())


def find_event(connection: Connection, shown: str) -> int:
    """The row id of the event that people name like this, as `shown_id` has it.

    Raises:
        ArrearsError: there is none, or there are two.
    """
    # Any of these may be its own id: an id of the staff's may have a colon in it, or the system's.
    _, _, after = shown.partition(":")
    found = connection.execute(
        select(inbox_event.c.id, inbox_event.c.sender)
        .where(inbox_event.c.external_id.in_((shown, after)), shown_id(inbox_event) == shown)
        .order_by(inbox_event.c.id)
    ).all()
    if not found:
        raise ArrearsError(
            "There is no event {event}. `arrears problems list` shows those not applied.",
            event=shown,
        )
    if len(found) > 1:
        raise ArrearsError(
            "{event} may be an event of the staff's or of a sender's. Let the sender take another "
            "name in ARREARS_EVENTS_IN_SECRETS, one that is no kind of event.",
            event=shown,
        )
    return int(found[0].id)


class ReplacedContents(NamedTuple):
    """What an event said before its sender corrected it."""

    payload: Mapping[str, Any]
    status: InboxStatus
    reason: Reasons
    replaced_at: datetime


def replaced_contents(connection: Connection, event_id: int) -> list[ReplacedContents]:
    """What an event said before each correction, the oldest first."""
    rows = connection.execute(
        select(*columns_of(ReplacedContents, replaced_event))
        .where(replaced_event.c.event_id == event_id)
        .order_by(replaced_event.c.id)
    )
    return [ReplacedContents(*row) for row in rows]


def event_of_row(connection: Connection, event_id: int) -> StoredEvent:
    """One event as it is now. Nothing is locked."""
    row = connection.execute(select(*_COLUMNS).where(inbox_event.c.id == event_id))
    return StoredEvent(*row.one())


def _known_as(sender: str, external_id: str) -> Select[Any]:
    return select(*_COLUMNS).where(
        inbox_event.c.external_id == external_id, inbox_event.c.sender == sender
    )


def correct_event(
    connection: Connection,
    known: StoredEvent,
    payload: Mapping[str, Any],
    held_back: HeldBack,
    now: datetime,
) -> bool:
    """Replace the contents of a locked event that was not applied; False if it was, and nothing
    changed.

    It is tried again as if it were new. What it said before is kept, without what was encrypted and
    the hashes of numbers.
    """
    corrected = {
        "payload": payload,
        **held_back._asdict(),
        "reason": (),
        "completed_at": None,
        "dispatched_at": None,
    }
    to = InboxStatus.RECEIVED
    if not _move(connection, known.id, {to, *sources(INBOX_MOVES, to)}, to, corrected):
        return False
    replaced = {
        "event_id": known.id,
        "payload": comparable(known.payload),
        "status": known.status,
        "reason": known.reason,
        "replaced_at": now,
    }
    connection.execute(insert(replaced_event).values(replaced))
    return True


def comparable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload without encrypted values and the hashes of numbers.

    Each encryption differs, and a digest covers them. Events of earlier versions have no hash.
    """
    return {
        name: value
        for name, value in payload.items()
        if name not in (Named.NUMBER, Named.NUMBERS) and not name.endswith("_encrypted")
    }


def discard_event(connection: Connection, event_id: int, reason: Reasons, now: datetime) -> bool:
    """Discard an event that was not applied; False if it was, and nothing changed."""
    discarded = {"reason": reason, "completed_at": now}
    to = InboxStatus.DISCARDED
    return _move(connection, event_id, sources(INBOX_MOVES, to), to, discarded)


def _move(
    connection: Connection,
    event_id: int,
    from_statuses: Collection[InboxStatus],
    to: InboxStatus,
    values: Mapping[str, Any],
) -> bool:
    moved = connection.execute(
        update(inbox_event)
        .where(inbox_event.c.id == event_id, inbox_event.c.status.in_(from_statuses))
        .values(status=to, **values)
    )
    return moved.rowcount == 1


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
    select(*_COLUMNS).where(inbox_event.c.id == bindparam("of_event")).with_for_update()
)


def lock_event(connection: Connection, event_id: int) -> StoredEvent:
    """One event, locked. Waits for whoever has locked it."""
    return StoredEvent(*connection.execute(_LOCK, {"of_event": event_id}).one())


def earlier_of_borrower(
    connection: Connection, event: StoredEvent, kinds: Collection[str]
) -> str | None:
    """The kind of the first event that came in before another one for the same borrower and is not
    applied yet; None if there is none of these kinds."""
    if event.payload.get("borrower") is None:
        return None
    earlier = select(inbox_event.c.kind).where(
        _IS_RECEIVED,
        payload_value(inbox_event, "borrower") == event.payload["borrower"],
        inbox_event.c.kind.in_(kinds),
        inbox_event.c.id < event.id,
    )
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
    select(*_COLUMNS)
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

    In the order in which they came in, and without those that another transaction has locked. The
    others are the oldest that were never tried. One is left out if an earlier event of another
    kind, which stops contact, is pending for its loan: a promise is applied before its payment.
    """
    rows = connection.execute(_CLAIM, {"of_events": list(event_ids), "kind": kind})
    return [StoredEvent(*row) for row in rows]


_RELEASE = prepared(
    update_first(
        inbox_event, is_among(inbox_event.c.id, "of_events") & _IS_RECEIVED, (inbox_event.c.id,)
    ).values(dispatched_at=None)
)


def release_events(connection: Connection, event_ids: Sequence[int]) -> None:
    """Let the sweep dispatch at once those that are not applied.

    A worker that was sent one of them while we had it locked passed it over, and gets no second
    message. One that another transaction has locked now is left to that one.
    """
    connection.execute(_RELEASE, {"of_events": list(event_ids)})


_RESULT = as_rows(inbox_event.c[name] for name in ("id", "status", "reason", "completed_at"))
_RECORD = prepared(
    update(inbox_event)
    .where(is_among(inbox_event.c.id, "of_events"), inbox_event.c.id == _RESULT.c.id, _IS_RECEIVED)
    .values({name: _RESULT.c[name] for name in ("status", "reason", "completed_at")})
)


def record_results(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record the results of events: `id`, `status`, `reason` and `completed_at` of each.

    Only a received event gets one: to be applied, to be rejected, or to stay with a reason.
    """
    connection.execute(_RECORD, {"of_events": [row["id"] for row in rows]} | given_rows(rows))


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


def forget_values(
    connection: Connection, sender: str, external_id: str, names: Sequence[str]
) -> None:
    """Delete values from the payload of an event that is being applied: they are on record."""
    without = inbox_event.c.payload.op("-")(cast(array(names), ARRAY(Text)))
    connection.execute(
        update(inbox_event)
        .where(inbox_event.c.external_id == external_id, inbox_event.c.sender == sender)
        .values(payload=without)
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
