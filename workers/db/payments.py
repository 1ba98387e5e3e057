"""Recorded payments, and what went back of them, as rows."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.payments import ReturnKind
from workers.db.schema import loan, payment, payment_return
from workers.db.sender_ids import is_named, whose_id
from workers.db.typed_rows import columns_of, typed_row


class RecordedPayment(NamedTuple):
    """A payment, and what is known of its loan."""

    id: int
    loan_id: int
    paid_on: date
    recorded_at: datetime
    amount: Decimal
    returned: Decimal
    """Refunded, or reversed in part."""
    unallocated: Decimal
    currency: str
    instalment: date | None
    in_tape_as_of: date | None
    reversed_on: date | None
    reversed_at: datetime | None
    tape_as_of: date | None
    jurisdiction: str
    loan: str
    """The lender's own id of it."""

    @property
    def kept(self) -> Decimal:
        """What the lender has of it."""
        return self.amount - self.returned

    @property
    def is_in_newest_tape(self) -> bool:
        return self.in_tape_as_of is not None or (
            self.tape_as_of is not None and self.paid_on < self.tape_as_of
        )


class PaymentReturn(NamedTuple):
    """What went back of a payment."""

    id: int
    amount: Decimal
    undone: Decimal
    returned_on: date
    in_tape_as_of: date | None
    taken_back_on: date | None


def read_payment(connection: Connection, external_id: str, sender: str) -> RecordedPayment:
    """The payment that `sender` knows by this id, which is on record."""
    row = connection.execute(
        select(*columns_of(RecordedPayment, payment, loan, loan=loan.c.external_id))
        .join(loan, loan.c.id == payment.c.loan_id)
        .where(is_named(payment, external_id, sender))
    ).one()
    return RecordedPayment(*row)


def whose_return(
    connection: Connection, payment_id: int, kind: ReturnKind, external_id: str, sender: str | None
) -> str:
    """The sender who gave what went back of a payment this id, as by `whose_id`."""
    return whose_id(
        *(connection, payment_return, external_id, sender),
        payment_return.c.payment_id == payment_id,
        payment_return.c.kind == kind,
    )


def return_known_as(
    connection: Connection, payment_id: int, kind: ReturnKind, external_id: str, sender: str
) -> PaymentReturn | None:
    """What went back of a payment under a sender's id of it; None if there is nothing."""
    known = select(*columns_of(PaymentReturn, payment_return)).where(
        payment_return.c.payment_id == payment_id,
        payment_return.c.kind == kind,
        is_named(payment_return, external_id, sender),
    )
    return typed_row(PaymentReturn, connection.execute(known))


def was_taken_back(connection: Connection, payment_id: int) -> bool:
    """Whether a reversal of all of a payment was taken back."""
    found = exists().where(
        payment_return.c.payment_id == payment_id,
        payment_return.c.external_id.is_(None),
    )
    return bool(connection.execute(select(found)).scalar())


def insert_return(connection: Connection, payment_id: int, kind: ReturnKind, **values: Any) -> None:
    """Record what went back of a payment; `values` are further columns."""
    connection.execute(insert(payment_return).values(payment_id=payment_id, kind=kind, **values))


def update_payment(connection: Connection, payment_id: int, **values: Any) -> None:
    """Set columns of a payment."""
    connection.execute(update(payment).where(payment.c.id == payment_id).values(values))


def update_return(connection: Connection, return_id: int, **values: Any) -> None:
    """Set columns of what went back of a payment."""
    connection.execute(
        update(payment_return).where(payment_return.c.id == return_id).values(values)
    )
