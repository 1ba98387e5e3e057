"""What payments have left over: allocated to what became unpaid, and freed where less is owed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, select, update

from domain.allocation import Allocation, AllocationOrder, allocate, merge_allocations
from domain.loans import ZERO, Component
from workers.db.loans import load_schedule, pay_instalments
from workers.db.parts import replace_parts
from workers.db.schema import allocation, payment


def allocate_left_over(connection: Connection, order: AllocationOrder, loan_id: int) -> None:
    """Allocate what payments had left over to what is unpaid now, oldest payment first.

    Also of payments that a tape contains: a tape does not show what they have left over.
    """
    left_over = connection.execute(
        select(payment.c.id, payment.c.unallocated, payment.c.paid_on, payment.c.instalment)
        .where(
            payment.c.loan_id == loan_id,
            payment.c.unallocated > ZERO,
            payment.c.reversed_on.is_(None),
        )
        .order_by(payment.c.paid_on, payment.c.id)
    ).all()
    for payment_id, unallocated, paid_on, named in left_over:
        schedule = load_schedule(connection, loan_id)
        parts, left = allocate(schedule, unallocated, order, paid_on, named)
        if not parts:
            return
        merged = merge_allocations(allocations_of(connection, payment_id), parts)
        replace_parts(connection, allocation, {payment_id: merged})
        pay_instalments(connection, {loan_id: parts})
        connection.execute(
            update(payment).where(payment.c.id == payment_id).values(unallocated=left)
        )


def free_allocations(
    connection: Connection,
    loan_id: int,
    to_free: Mapping[tuple[date, Component], Decimal],
    tape_as_of: date | None,
) -> Decimal:
    """Take from payments what they paid of these components, the newest payment first.

    It becomes what they have left over; the instalments are not changed. Returns how much of it no
    payment on record paid: a tape shows it.
    """
    rows = connection.execute(
        select(allocation, payment.c.unallocated)
        .join(payment, payment.c.id == allocation.c.payment_id)
        .where(
            payment.c.loan_id == loan_id,
            payment.c.reversed_on.is_(None),
            payment.c.in_tape_as_of.is_(None),
            payment.c.paid_on >= (tape_as_of or date.min),
        )
        .order_by(payment.c.paid_on.desc(), payment.c.id.desc())
    ).all()
    left = dict(to_free)
    freed: dict[int, Decimal] = {}
    for row in rows:
        key = (row.due_on, Component(row.component))
        cut = min(left.get(key, ZERO), row.amount)
        if cut > ZERO:
            left[key] -= cut
            freed[row.payment_id] = freed.get(row.payment_id, ZERO) + cut
            back = Allocation(*key, -cut)
            of_payment = allocations_of(connection, row.payment_id)
            merged = [part for part in merge_allocations(of_payment, [back]) if part.amount]
            replace_parts(connection, allocation, {row.payment_id: merged})
    for payment_id, amount in freed.items():
        connection.execute(
            update(payment)
            .where(payment.c.id == payment_id)
            .values(unallocated=payment.c.unallocated + amount)
        )
    return sum(left.values(), ZERO)


def allocations_of(connection: Connection, payment_id: int) -> list[Allocation]:
    """What a payment pays."""
    rows = connection.execute(
        select(allocation.c.due_on, allocation.c.component, allocation.c.amount)
        .where(allocation.c.payment_id == payment_id)
        .order_by(allocation.c.due_on, allocation.c.component)
    )
    return [Allocation(due_on, Component(component), amount) for due_on, component, amount in rows]
