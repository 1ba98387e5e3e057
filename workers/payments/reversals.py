"""Reversals: a payment bounced or was taken back, so what it paid is unpaid again.

The allocations of other payments stay as they are. Only money that they had left over is allocated
to what became unpaid.
"""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select, text, update

from domain.events import STAFF, NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_loan_of
from workers.db.problems import TAPE_SHOWS_LESS, resolve_problems
from workers.db.schema import loan, payment
from workers.db.sender_ids import is_named, whose_id
from workers.db.typed_rows import columns_of
from workers.escalation.reassess import reassess
from workers.payments.left_over import allocate_left_over
from workers.payments.payments import is_in_tape, where_it_stands

# A tape may have changed since what is paid of an instalment: never below zero.
_UNPAY = text("""
UPDATE instalment i
   SET paid_fees = greatest(0, i.paid_fees - a.fees),
       paid_interest = greatest(0, i.paid_interest - a.interest),
       paid_principal = greatest(0, i.paid_principal - a.principal)
  FROM (SELECT due_on,
               coalesce(sum(amount) FILTER (WHERE component = 'fees'), 0) AS fees,
               coalesce(sum(amount) FILTER (WHERE component = 'interest'), 0) AS interest,
               coalesce(sum(amount) FILTER (WHERE component = 'principal'), 0) AS principal
          FROM allocation WHERE payment_id = :payment_id GROUP BY due_on) a
 WHERE i.loan_id = :loan_id AND i.due_on = a.due_on
""")


def reverse_payment(
    connection: Connection,
    ctx: Context,
    external_id: str,
    reversed_on: date,
    *,
    sender: str = STAFF,
) -> Reasons:
    """Take back a payment and all that followed from it, in the caller's transaction.

    What it had paid is unpaid again, so the date since which the loan is delinquent moves back; its
    allocations stay on record. If the loan's newest tape contains the payment, the reversal is only
    noted: the tape says what is paid of each instalment, and the next one will say what is unpaid
    again. Until then nobody is contacted about it, in the borrower's favour. Returns what
    came of it.

    Raises:
        NotYetError: the payment is not known.
        RejectedError: it would have been reversed before it was paid.
    """
    sender = whose_id(connection, payment, external_id, sender)
    loan_id = lock_loan_of(connection, payment, external_id, sender)
    if loan_id is None:
        raise NotYetError(ReasonCode.PAYMENT_NOT_KNOWN, payment=external_id)
    paid = _read(connection, external_id, sender)
    if paid.reversed_on is not None:
        return because(ReasonCode.REVERSAL_KNOWN, payment=external_id, on=paid.reversed_on)
    if reversed_on < paid.paid_on:
        raise RejectedError(
            ReasonCode.REVERSAL_BEFORE_PAYMENT,
            payment=external_id,
            paid_on=paid.paid_on,
            on=reversed_on,
        )
    contained = paid.in_tape_as_of is not None or is_in_tape(paid.paid_on, paid.tape_as_of)
    connection.execute(
        update(payment)
        .where(payment.c.id == paid.id)
        .values(
            reversed_on=reversed_on,
            reversed_at=ctx.now(),
            in_tape_as_of=(paid.in_tape_as_of or paid.tape_as_of) if contained else None,
        )
    )
    if contained:
        return because(ReasonCode.REVERSAL_IN_TAPE, payment=external_id, on=paid.tape_as_of)
    connection.execute(_UNPAY, {"payment_id": paid.id, "loan_id": loan_id})
    order = ctx.allocation_order(paid.jurisdiction)
    allocate_left_over(connection, order, loan_id, paid.tape_as_of)
    resolve_problems(connection, [loan_id], (TAPE_SHOWS_LESS,), ctx.now())
    arrears = reassess(connection, ctx, [loan_id], ctx.now())[loan_id]
    return where_it_stands(arrears, paid.currency)


class _Recorded(NamedTuple):
    id: int
    paid_on: date
    currency: str
    in_tape_as_of: date | None
    reversed_on: date | None
    tape_as_of: date | None
    jurisdiction: str


def _read(connection: Connection, external_id: str, sender: str) -> _Recorded:
    row = connection.execute(
        select(*columns_of(_Recorded, payment, loan))
        .join(loan, loan.c.id == payment.c.loan_id)
        .where(is_named(payment, external_id, sender))
    ).one()
    return _Recorded(*row)
