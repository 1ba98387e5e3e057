"""Events from outside, as rows: stored, found, corrected and discarded."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    case,
    cast,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import array, insert

from domain.errors import ArrearsError
from domain.events import INBOX_MOVES, STAFF, InboxStatus, Named, shown_actor
from domain.moves import sources
from domain.reasons import Reasons
from workers.db.persons import may_mean_record
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import borrower, inbox_event, replaced_event
from workers.db.typed_rows import columns_of

PAYLOAD_DIGEST_KEY = "digest"
"""The keyed hash of all encrypted values of a payload, which identifies a repeated event."""

SAID_KEYS = {f"said_{name}": str(name) for name in (Named.BORROWER, Named.OTHER)}
"""After a tape gave the id of a record to somebody else, payloads name the record by its new id.
The id that the sender gave is kept under these keys."""

OF_PERSONAL_INDEX = ("contact_change", "loan_party", "number_order", "representative")


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
    corrected_at: datetime | None

    @property
    def facts(self) -> Mapping[str, Any]:
        """The payload, with the row of the event, the moment at which it came in, and two senders.

        `own_sender` sent the event: ids that it gives are this sender's. `sender` is the one whose
        ids it names: the same, unless the event names another. An actor whom a machine names
        stands there with the name of the machine.

        Events of the staff have no `own_sender`. If they name no `sender` either, an id in them may
        be that of any sender.
        """
        own = None if self.sender == STAFF else self.sender
        senders = {"own_sender": own, "sender": self.payload.get("sender") or own}
        said = {name: value for name, value in self.payload.items() if name not in senders}
        if isinstance(actor := said.get("actor"), str):
            said["actor"] = shown_actor(actor, self.sender)
        said = {"received_at": self.received_at, **said, "event_id": self.id}
        return said | {name: sender for name, sender in senders.items() if sender}

    @property
    def waits_since(self) -> datetime:
        """When it came in with these contents."""
        return self.corrected_at or self.received_at


class HeldBack(NamedTuple):
    """Whom an event holds back until it is applied, beside what its payload names."""

    stops_contact: bool
    """Whoever its payload names is not contacted; False: nobody is held back."""
    reaches_number: bool
    """So is everybody who has a number of the borrower that it names."""
    reaches_address: bool
    """So is everybody who has the address of the borrower, or of the loan, that it names."""


EVENT_COLUMNS = columns_of(StoredEvent, inbox_event)


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
    row = connection.execute(select(*EVENT_COLUMNS).where(inbox_event.c.id == event_id))
    return StoredEvent(*row.one())


def _known_as(sender: str, external_id: str) -> Select[Any]:
    return select(*EVENT_COLUMNS).where(
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

    It is tried again as if it had come in now. What it said before is kept, without what was
    encrypted and without keyed hashes.
    """
    corrected = {
        "payload": payload,
        **held_back._asdict(),
        "corrected_at": now,
        "reason": (),
        "completed_at": None,
        "dispatched_at": None,
    }
    to = InboxStatus.RECEIVED
    if not _move(connection, known.id, {to, *sources(INBOX_MOVES, to)}, to, corrected):
        return False
    replaced = {
        "event_id": known.id,
        "payload": without_hashes(known.payload),
        "status": known.status,
        "reason": known.reason,
        "replaced_at": now,
    }
    connection.execute(insert(replaced_event).values(replaced))
    return True


def comparable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with the ids that its sender gave, and without encrypted values and the hashes of
    numbers.

    Each encryption differs, and a digest covers them. Events of earlier versions have no hash.
    """
    said = {name: payload[key] for key, name in SAID_KEYS.items() if key in payload}
    return {
        name: value
        for name, value in {**payload, **said}.items()
        if name not in (Named.NUMBER, Named.NUMBERS, *SAID_KEYS) and not name.endswith("_encrypted")
    }


def without_hashes(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What of a payload may be shown, and be kept after its person is erased."""
    return {
        name: value for name, value in comparable(payload).items() if name != PAYLOAD_DIGEST_KEY
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


def keep_to_records(connection: Connection, new_ids: Mapping[int, str]) -> None:
    """Let the completed events about these records name them by the ids that they are to have.

    The records have their old ids yet, which go to somebody else. What those events say stays with
    whom they were about, also when it is erased or handed out.
    """
    kind = inbox_event.c.kind
    for name, which in (  # as the partial indexes write it
        (Named.BORROWER, kind.in_(OF_PERSONAL_INDEX)),
        (Named.BORROWER, kind.not_in(OF_PERSONAL_INDEX)),
        (Named.OTHER, true()),
    ):
        ids = {
            str(name): case(new_ids, value=borrower.c.id),
            f"said_{name}": payload_value(inbox_event, name),
        }
        renamed = func.jsonb_build_object(*(part for pair in ids.items() for part in pair))
        connection.execute(
            update(inbox_event)
            .where(
                may_mean_record(borrower, payload_value(inbox_event, name)),
                borrower.c.id.in_(new_ids),
                inbox_event.c.status != InboxStatus.RECEIVED,
                which,
            )
            .values(payload=inbox_event.c.payload.op("||")(renamed))
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
