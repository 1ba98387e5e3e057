"""Events from outside: stored first, applied after, each once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError
from workers import applying
from workers.contact_changes import change_contacts
from workers.events import NotYetError, RejectedError
from workers.house import House
from workers.payments import Payment
from workers.receipts import record_receipt
from workers.retrying import in_short
from workers.store.schema import inbox_event
from workers.store.taking import not_since, update_first

log = logging.getLogger(__name__)

Handler = Callable[[Connection, House, Mapping[str, Any]], str]


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


def apply_event(house: House, event_id: int) -> Settled:
    """Apply one stored event, once."""
    with house.engine.begin() as connection:
        event = connection.execute(
            select(inbox_event).where(inbox_event.c.id == event_id).with_for_update()
        ).one()
        if event.status != "received":
            return Settled(event.status, event.reason)
        try:
            with connection.begin_nested():
                reason = HANDLERS[event.kind](connection, house, event.payload)
            status = "applied"
        except NotYetError as error:
            status = "rejected" if _give_up(event, house.now()) else "received"
            reason = str(error)
        except RejectedError as error:
            status, reason = "rejected", str(error)
        except OperationalError:
            raise
        except Exception as error:
            log.error("event %s failed: %s", event_id, in_short(error))
            status, reason = "received", f"It could not be applied ({type(error).__name__})."
        connection.execute(
            update(inbox_event)
            .where(inbox_event.c.id == event_id)
            .values(
                status=status,
                reason=reason,
                settled_at=None if status == "received" else house.now(),
            )
        )
        if status == "applied":
            _wake_what_named(connection, event)
        return Settled(status, reason)


NAMED_BY = {"payment": "external_id", "promise": "promise", "hold": "hold", "dispute": "dispute"}
"""By kind, where its payload has the id under which other events name it."""


_TRY_AGAIN = text("""
UPDATE inbox_event SET woken_at = NULL
 WHERE status = 'received'
   AND :name IN (payload ->> 'payment', payload ->> 'promise', payload ->> 'hold')
""")


def _wake_what_named(connection: Connection, came: Row[*tuple[Any, ...]]) -> None:
    """What waited for this event, such as a reversal for its payment, is due to be tried again."""
    if came.kind not in NAMED_BY:
        return
    connection.execute(_TRY_AGAIN, {"name": came.payload[NAMED_BY[came.kind]]})


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

HANDLERS: dict[str, Handler] = {
    "payment": applying.apply_payment,
    "reversal": applying.apply_reversal,
    "promise": applying.apply_promise,
    "promise_withdrawal": applying.apply_promise_withdrawal,
    "dispute": applying.apply_dispute,
    "hold": applying.apply_hold,
    "release": applying.apply_release,
    "contact_change": change_contacts,
    "write_off": applying.apply_write_off,
    "opt_out": applying.apply_opt_out,
    "validation_notice": applying.apply_validation_notice,
    "acknowledgement": applying.apply_acknowledgement,
    "contact_outcome": applying.apply_contact_outcome,
    "receipt": record_receipt,
}
