"""Events from outside: stored first, applied after, each once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError
from workers.applying import HANDLERS, TOGETHER
from workers.events import Answer, NotYetError, RejectedError
from workers.house import House
from workers.payments import Payment
from workers.retrying import in_short
from workers.store.rows import as_rows, given_rows, one_of
from workers.store.schema import inbox_event
from workers.store.taking import not_since, update_first

log = logging.getLogger(__name__)


def receive(
    connection: Connection, external_id: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> int:
    """Store an event under the id its sender gave it, and return the house's own id of it.

    The same event twice is stored once. Until it is applied, the same id with other contents
    corrects it. The payload must hold no personal data.

    Raises:
        ArrearsError: it was applied already, and its contents were others.
    """
    stored: int | None = connection.execute(
        insert(inbox_event)
        .values(
            external_id=external_id, kind=kind, payload=payload, status="received", received_at=now
        )
        .on_conflict_do_nothing()
        .returning(inbox_event.c.id)
    ).scalar()
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
                settled_at=None,
                woken_at=None,
            )
        )
    return int(known.id)


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says. The same words are sealed anew each time: a digest stands for them."""
    if "digest" not in payload:
        return dict(payload)
    return {name: value for name, value in payload.items() if not name.endswith("_sealed")}


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an event."""

    status: str
    """`applied`, `rejected`, or `received` while something it names has not come in yet."""
    reason: str
    """A sentence for people."""


def apply_events(house: House, event_ids: Sequence[int]) -> list[Settled]:
    """Apply stored events in the order in which they came in, each once; what came of each.

    The event is what is applied, and what fails; how many are announced at once is a matter of
    speed. Neighbours of one kind that comes in numbers share a transaction and its statements. If
    that fails they are taken one by one, and only the one at fault says so.
    """
    if len(event_ids) == 1:
        return [apply_event(house, event_ids[0])]
    settled: list[Settled] = []
    for kind, run in groupby(_in_order(house, event_ids), key=itemgetter(1)):
        ids = [event_id for event_id, _ in run]
        together = _apply_together(house, kind, ids) if kind in TOGETHER and ids[1:] else None
        if together is None:
            together = [apply_event(house, event_id) for event_id in ids]
        settled += together
    return settled


def _in_order(house: House, event_ids: Sequence[int]) -> list[tuple[int, str]]:
    with house.engine.connect() as connection:
        rows = connection.execute(_KINDS, {"of_events": list(event_ids)})
        return [(row.id, row.kind) for row in rows]


def _apply_together(house: House, kind: str, event_ids: Sequence[int]) -> list[Settled] | None:
    """Apply events of one kind in one transaction; None, and nothing is done, if one is at fault.

    A sender may correct an event until it is applied, also its kind: that one is left for later.
    """
    try:
        with house.engine.begin() as connection:
            events = connection.execute(_LOCK_ALL, {"of_events": list(event_ids)}).all()
            if any(event.kind != kind for event in events):
                return None
            waiting = [event for event in events if event.status == "received"]
            answers = TOGETHER[kind](connection, house, [event.payload for event in waiting])
            now = house.now()
            settled = [_settled(*one, now) for one in zip(waiting, answers, strict=True)]
            _put_on_record(connection, waiting, settled, now)
            return settled
    except OperationalError:
        raise
    except Exception as error:
        log.warning("%s events are applied one by one: %s", len(event_ids), in_short(error))
        return None


def apply_event(house: House, event_id: int) -> Settled:
    """Apply one stored event, once."""
    with house.engine.begin() as connection:
        event = connection.execute(_LOCK, {"of_event": event_id}).one()
        if event.status != "received":
            return Settled(event.status, event.reason)
        answer: Answer | Exception
        try:
            with connection.begin_nested():
                answer = HANDLERS[event.kind](connection, house, event.payload)
        except OperationalError:
            raise
        except Exception as error:
            answer = error
        now = house.now()
        settled = _settled(event, answer, now)
        _put_on_record(connection, [event], [settled], now)
        return settled


_KINDS = (
    select(inbox_event.c.id, inbox_event.c.kind)
    .where(one_of(inbox_event.c.id, "of_events"), inbox_event.c.status == "received")
    .order_by(inbox_event.c.id)
)
_LOCK_ALL = (
    select(inbox_event)
    .where(one_of(inbox_event.c.id, "of_events"))
    .order_by(inbox_event.c.id)
    .with_for_update()
)
_LOCK = select(inbox_event).where(inbox_event.c.id == bindparam("of_event")).with_for_update()


def _settled(event: Row[*tuple[Any, ...]], answer: Answer | Exception, now: datetime) -> Settled:
    """What an answer means for its event: whether it is tried again, and what people are told."""
    match answer:
        case str():
            return Settled("applied", answer)
        case NotYetError():
            return Settled("rejected" if _give_up(event, now) else "received", str(answer))
        case RejectedError():
            return Settled("rejected", str(answer))
    log.error("event %s failed: %s", event.id, in_short(answer))
    return Settled("received", f"It could not be applied ({type(answer).__name__}).")


_OUTCOME = as_rows(inbox_event.c[name] for name in ("id", "status", "reason", "settled_at"))
_RECORD = (
    update(inbox_event)
    .where(one_of(inbox_event.c.id, "of_events"), inbox_event.c.id == _OUTCOME.c.id)
    .values({name: _OUTCOME.c[name] for name in ("status", "reason", "settled_at")})
)


def _put_on_record(
    connection: Connection,
    events: Sequence[Row[*tuple[Any, ...]]],
    settled: Sequence[Settled],
    now: datetime,
) -> None:
    if not events:
        return
    rows = [
        {
            "id": event.id,
            "status": came.status,
            "reason": came.reason,
            "settled_at": None if came.status == "received" else now,
        }
        for event, came in zip(events, settled, strict=True)
    ]
    of_events = {"of_events": [event.id for event in events]}
    connection.execute(_RECORD, of_events | given_rows(rows))
    names = [
        event.payload[NAMED_BY[event.kind]]
        for event, came in zip(events, settled, strict=True)
        if came.status == "applied" and event.kind in NAMED_BY
    ]
    if names:
        # What waited for them, such as a reversal for its payment, is due to be tried again.
        connection.execute(_TRY_AGAIN, {"names": names})


NAMED_BY = {"payment": "external_id", "promise": "promise", "hold": "hold", "dispute": "dispute"}
"""By kind, where its payload has the id under which other events name it."""


_TRY_AGAIN = text("""
UPDATE inbox_event SET woken_at = NULL
 WHERE status = 'received'
   AND ARRAY[payload ->> 'payment', payload ->> 'promise', payload ->> 'hold']
       && CAST(:names AS text[])
""")


def take_in(house: House, external_id: str, kind: str, payload: Mapping[str, Any]) -> Settled:
    """Store an event that a person tells of, and apply it at once.

    Raises:
        ArrearsError: it can never be applied, or was applied already with other contents.
    """
    with house.engine.begin() as connection:
        event_id = receive(connection, external_id, kind, payload, house.now())
    settled = apply_event(house, event_id)
    if settled.status == "rejected":
        raise ArrearsError(settled.reason)
    return settled


def wake_events(house: House, *, limit: int = 1_000) -> list[int]:
    """Take stored events that are not applied: new ones first, then those that waited longest.

    One that was announced and still waits when its lease ends is taken again.
    """
    now = house.now()
    woken_at = inbox_event.c.woken_at
    waiting = (inbox_event.c.status == "received") & not_since(woken_at, now - house.settings.lease)
    first = update_first(
        inbox_event, waiting, (woken_at.nulls_first(), inbox_event.c.id), limit
    ).values(woken_at=now)
    with house.engine.begin() as connection:
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


def _give_up(event: Row[*tuple[Any, ...]], now: datetime) -> bool:
    """Whether what an event of this kind names has had its time to come in."""
    waits_for_at_most = GIVE_UP_AFTER.get(event.kind)
    return waits_for_at_most is not None and event.received_at < now - waits_for_at_most


GIVE_UP_AFTER = {"receipt": timedelta(days=1)}
"""By kind, how long an event waits for what it names. Other kinds wait without end: money must not
be lost. A receipt may come before the answer that it belongs to is on record, by minutes."""
