"""Payments booked since a tape was cut are laid anew on the schedule that it brings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, delete, select, update

from domain.allocation import Allocation, AllocationOrder, allocate, laid
from domain.loans import LoanOnTape
from workers.store.rows import insert_rows
from workers.store.schema import allocation, loan, payment


def with_payments_since(
    connection: Connection, loans: Sequence[LoanOnTape], as_of: date, order: AllocationOrder
) -> list[LoanOnTape]:
    """The loans of a tape that stands for `as_of`, with the payments booked on that day or later.

    The tape knows nothing of those yet, and may have moved or merged instalments: where each
    payment goes is worked out again, and its allocations are written anew. A payment of the day
    itself counts as unknown to the tape, in the borrower's favour.
    """
    since = _payments_since(connection, loans, as_of)
    return [_relay(connection, one, since[one.external_id], order) for one in loans]


def _payments_since(
    connection: Connection, loans: Sequence[LoanOnTape], as_of: date
) -> dict[str, list[tuple[int, Decimal]]]:
    rows = connection.execute(
        select(loan.c.external_id, payment.c.id, payment.c.amount)
        .join(loan, loan.c.id == payment.c.loan_id)
        .where(
            loan.c.external_id.in_([one.external_id for one in loans]),
            payment.c.paid_on >= as_of,
        )
        .order_by(payment.c.paid_on, payment.c.id)
    )
    since: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
    for row in rows:
        since[row.external_id].append((row.id, row.amount))
    return since


def _relay(
    connection: Connection,
    told: LoanOnTape,
    payments: Sequence[tuple[int, Decimal]],
    order: AllocationOrder,
) -> LoanOnTape:
    instalments = told.instalments
    for payment_id, amount in payments:
        parts, left = allocate(instalments, amount, order)
        instalments = laid(instalments, parts)
        write_parts(connection, payment_id, parts)
        connection.execute(
            update(payment).where(payment.c.id == payment_id).values(unallocated=left)
        )
    return replace(told, instalments=instalments)


def write_parts(connection: Connection, payment_id: int, parts: Sequence[Allocation]) -> None:
    """Put on record what a payment pays, in place of what was on record of it."""
    connection.execute(delete(allocation).where(allocation.c.payment_id == payment_id))
    if parts:
        rows = [
            {
                "payment_id": payment_id,
                "due_on": part.due_on,
                "component": part.component,
                "amount": part.amount,
            }
            for part in parts
        ]
        connection.execute(insert_rows(allocation, rows))
