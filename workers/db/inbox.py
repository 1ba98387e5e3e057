"""Events in, as rows: taken under lock, put on record, and let go of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, any_, bindparam, exists, func, select, text, update

from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.pending_events import payload_value
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import KINDS_THAT_BLOCK_A_LOAN, inbox_event
from workers.db.skip_locked import update_first

Event = Row[*tuple[Any, ...]]

BATCH_SIZE = 100
"""How many events that nobody asked for are taken along, at most: so few that those who were asked
for need not wait long."""


_WAITING = prepared(
    select(inbox_event.c.id, inbox_event.c.kind)
    .where(is_among(inbox_event.c.id, "of_events"), inbox_event.c.status == literal("received"))
    .order_by(inbox_event.c.id)
)


def filter_pending(connection: Connection, event_ids: Sequence[int]) -> Sequence[Event]:
    """The ids and kinds of those that are not applied yet, in the order in which they came in."""
    return connection.execute(_WAITING, {"of_events": list(event_ids)}).all()


_LOCK = prepared(
    select(inbox_event).where(inbox_event.c.id == bindparam("of_event")).with_for_update()
)


def lock_event(connection: Connection, event_id: int) -> Event:
    """One event, locked. Waits for whoever has it."""
    return connection.execute(_LOCK, {"of_event": event_id}).one()


_BEFORE = inbox_event.alias("before")
_ALONG = inbox_event.alias("along")
_FIRST_ALONG = (
    select(_ALONG.c.id)
    .where(
        _ALONG.c.status == literal("received"),
        _ALONG.c.kind == bindparam("kind"),
        _ALONG.c.reason.is_(None),
        ~exists().where(
            _BEFORE.c.status == literal("received"),
            _BEFORE.c.kind.in_([literal(kind) for kind in KINDS_THAT_BLOCK_A_LOAN]),
            _BEFORE.c.kind != bindparam("kind"),
            payload_value(_BEFORE, "loan") == payload_value(_ALONG, "loan"),
            _BEFORE.c.id < _ALONG.c.id,
        ),
    )
    .order_by(_ALONG.c.id)
    .limit(BATCH_SIZE)
    .with_for_update(of=_ALONG, skip_locked=True)
    .scalar_subquery()
)
_TAKE = prepared(
    select(inbox_event)
    .where(
        inbox_event.c.status == literal("received"),
        inbox_event.c.kind == bindparam("kind"),
        is_among(inbox_event.c.id, "of_events")
        | (inbox_event.c.id == any_(func.array(_FIRST_ALONG))),
    )
    .order_by(inbox_event.c.id)
    .with_for_update(skip_locked=True)
)


def claim_batch(connection: Connection, event_ids: Sequence[int], kind: str) -> Sequence[Event]:
    """Events of one kind, locked, in the order in which they came in: those asked for, and others.

    None that somebody else has. The others are the first that were never tried, and none of whose
    loan something of another kind came in before: a promise goes before its payment.
    """
    return connection.execute(_TAKE, {"of_events": list(event_ids), "kind": kind}).all()


_LET_GO = prepared(
    update_first(
        inbox_event,
        is_among(inbox_event.c.id, "of_events") & (inbox_event.c.status == literal("received")),
        (inbox_event.c.id,),
    ).values(dispatched_at=None)
)


def release_events(connection: Connection, event_ids: Sequence[int]) -> None:
    """Leave those that are not applied as they are, for the sweep to tell of at once.

    Whoever was told of one while it was locked by us passed it over, and is not told again. One
    that somebody else is at is left to them.
    """
    connection.execute(_LET_GO, {"of_events": list(event_ids)})


_OUTCOME = as_rows(inbox_event.c[name] for name in ("id", "status", "reason", "completed_at"))
_RECORD = prepared(
    update(inbox_event)
    .where(is_among(inbox_event.c.id, "of_events"), inbox_event.c.id == _OUTCOME.c.id)
    .values({name: _OUTCOME.c[name] for name in ("status", "reason", "completed_at")})
)


def record_outcomes(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put on record what came of events: `id`, `status`, `reason` and `completed_at` of each."""
    connection.execute(_RECORD, {"of_events": [row["id"] for row in rows]} | given_rows(rows))


_TRY_AGAIN = prepared(
    text("""
UPDATE inbox_event SET dispatched_at = NULL
 WHERE status = 'received'
   AND ARRAY[payload ->> 'payment', payload ->> 'promise', payload ->> 'hold']
       && CAST(:names AS text[])
""")
)


def retry_events_naming(connection: Connection, names: Sequence[str]) -> None:
    """Have the sweep tell again of what waited for these names, as a reversal for its payment."""
    connection.execute(_TRY_AGAIN, {"names": list(names)})
