"""Events from outside: stored first, applied after, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, any_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from workers.events import NotYetError, RejectedError
from workers.house import House
from workers.payments import Payment, record_payment
from workers.receipts import record_receipt
from workers.store.schema import inbox_event

Handler = Callable[[Connection, House, Mapping[str, Any]], str]


def receive(
    connection: Connection, external_id: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> int:
    """Store an event under the id its sender gave it, and return the house's own id of it.

    The same event twice is stored once. The payload must hold no personal data.
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
    known: int = connection.execute(
        select(inbox_event.c.id).where(inbox_event.c.external_id == external_id)
    ).scalar_one()
    return known


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
            status, reason = "received", str(error)
        except RejectedError as error:
            status, reason = "rejected", str(error)
        connection.execute(
            update(inbox_event)
            .where(inbox_event.c.id == event_id)
            .values(
                status=status,
                reason=reason,
                settled_at=None if status == "received" else house.now(),
            )
        )
        return Settled(status, reason)


def wake_events(house: House, *, limit: int = 1_000) -> list[int]:
    """Take stored events that are not applied, oldest first.

    One that was announced and still waits when its lease ends is taken again.
    """
    now = house.now()
    again_after = house.settings.lease
    waiting = (
        select(inbox_event.c.id)
        .where(
            inbox_event.c.status == "received",
            or_(inbox_event.c.woken_at.is_(None), inbox_event.c.woken_at < now - again_after),
        )
        .order_by(inbox_event.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    with house.engine.begin() as connection:
        taken = connection.execute(
            update(inbox_event)
            .where(inbox_event.c.id == any_(func.array(waiting)))
            .values(woken_at=now)
            .returning(inbox_event.c.id)
        )
        return list(taken.scalars())


def payment_payload(paid: Payment) -> dict[str, str]:
    """A payment as an event's payload."""
    return {
        "external_id": paid.external_id,
        "loan": paid.loan,
        "amount": str(paid.amount),
        "currency": paid.currency,
        "paid_on": paid.paid_on.isoformat(),
    }


def _payment(connection: Connection, house: House, payload: Mapping[str, Any]) -> str:
    paid = Payment(
        external_id=payload["external_id"],
        loan=payload["loan"],
        amount=Decimal(payload["amount"]),
        currency=payload["currency"],
        paid_on=date.fromisoformat(payload["paid_on"]),
    )
    return record_payment(connection, house, paid)


HANDLERS: dict[str, Handler] = {"payment": _payment, "receipt": record_receipt}
