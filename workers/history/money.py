"""The money of a loan: payments, their reversals, and adjustments of what is owed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from domain.adjustments import AdjustmentKind
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.loans import ZERO
from domain.payments import ReturnKind
from workers.db.schema import adjustment, adjustment_part, allocation, payment, payment_return
from workers.db.typed_rows import typed_rows
from workers.history.loan import ExplainedLoan, by_whom_and_why, named, of_loan
from workers.history.words import typed_words


class _Payment(NamedTuple):
    id: int
    external_id: str
    sender: str
    amount: Decimal
    currency: str
    paid_on: date
    unallocated: Decimal
    instalment: date | None
    is_recovery: bool
    recorded_at: datetime


def payments(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each payment and how it was allocated to the schedule."""
    allocations: dict[int, list[Part]] = defaultdict(list)
    for row in connection.execute(
        select(allocation, payment.c.currency)
        .join(payment, payment.c.id == allocation.c.payment_id)
        .where(payment.c.loan_id == subject.id)
        .order_by(allocation.c.due_on, allocation.c.component)
    ):
        allocations[row.payment_id].append(_component(row, row.currency))
    rows = connection.execute(of_loan(payment, subject, _Payment))
    for stored in typed_rows(_Payment, rows):
        yield Entry(stored.recorded_at, tuple(_payment(stored, allocations[stored.id])))


def reversals(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each payment that was reversed, under the moment at which that was recorded."""
    reversed_ = of_loan(payment, subject).where(payment.c.reversed_at.is_not(None))
    for row in connection.execute(reversed_):
        text = part(
            Phrase.REVERSED,
            payment=named(row.external_id, row.sender),
            amount=row.amount,
            currency=row.currency,
            reversed_on=row.reversed_on,
        )
        yield Entry(row.reversed_at, (text,))


def returns(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """What went back of payments in part; and the reversals that were taken back."""
    rows = connection.execute(
        select(
            payment_return,
            payment.c.external_id.label("payment"),
            payment.c.sender.label("payment_sender"),
            payment.c.currency,
        )
        .join(payment, payment.c.id == payment_return.c.payment_id)
        .where(payment.c.loan_id == subject.id)
        .order_by(payment_return.c.id)
    )
    for row in rows:
        paid = named(row.payment, row.payment_sender)
        said = {"payment": paid, "amount": row.amount, "currency": row.currency}
        is_refund = row.kind == ReturnKind.REFUND
        phrase = Phrase.REFUNDED if is_refund else Phrase.REVERSED_PART
        parts = [part(phrase, returned_on=row.returned_on, **said)]
        parts.extend(by_whom_and_why(row.actor))
        yield Entry(row.recorded_at, tuple(parts))
        if row.taken_back_at is not None:
            undone = Phrase.REFUND_UNDONE if is_refund else Phrase.REVERSAL_UNDONE
            parts = [part(undone, taken_back_on=row.taken_back_on, **said)]
            parts.extend(by_whom_and_why(row.taken_back_by))
            yield Entry(row.taken_back_at, tuple(parts))


def adjustments(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each adjustment, and what it changed in what is owed."""
    changes: dict[int, list[Part]] = defaultdict(list)
    for row in connection.execute(
        select(adjustment_part)
        .join(adjustment, adjustment.c.id == adjustment_part.c.adjustment_id)
        .where(adjustment.c.loan_id == subject.id)
        .order_by(adjustment_part.c.due_on, adjustment_part.c.component)
    ):
        changes[row.adjustment_id].append(_component(row, subject.currency))
    for row in connection.execute(of_loan(adjustment, subject)):
        phrase = Phrase(f"adjusted_{row.kind}")
        if row.kind == AdjustmentKind.WAIVER and row.amount is None:
            phrase = Phrase.ADJUSTED_WAIVER_OF_ALL
        said = {
            name: value
            for name in ("amount", "component", "instalment", "due_on")
            if (value := getattr(row, name)) is not None
        }
        said |= {"adjustment": named(row.external_id, row.sender), "booked_on": row.booked_on}
        booked = part(phrase, currency=subject.currency, **said)
        parts = [booked]
        if changed := changes[row.id]:
            parts.append(part(Phrase.ADJUSTED_PARTS, changes=tuple(changed)))
        elif row.in_tape_as_of is not None:
            parts.append(part(Phrase.ADJUSTED_IN_TAPE, in_tape_as_of=row.in_tape_as_of))
        parts.extend(by_whom_and_why(row.actor, typed_words(row)))
        yield Entry(row.recorded_at, tuple(parts))


def taken_back(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each adjustment that was taken back, under the moment at which that was recorded."""
    for row in connection.execute(
        of_loan(adjustment, subject).where(adjustment.c.taken_back_at.is_not(None))
    ):
        said = {
            "adjustment": named(row.external_id, row.sender),
            "taken_back_on": row.taken_back_on,
        }
        parts = [part(Phrase.ADJUSTMENT_REVERSED, **said)]
        parts.extend(by_whom_and_why(row.taken_back_by))
        yield Entry(row.taken_back_at, tuple(parts))


def _component(row: Row[*tuple[Any, ...]], currency: str) -> Part:
    said = {"component": row.component, "due_on": row.due_on, "amount": row.amount}
    return part(Phrase.ALLOCATION, currency=currency, **said)


def _payment(row: _Payment, allocations: list[Part]) -> Iterator[Part]:
    yield part(
        Phrase.PAYMENT,
        payment=named(row.external_id, row.sender),
        amount=row.amount,
        currency=row.currency,
        paid_on=row.paid_on,
    )
    if row.is_recovery:
        yield part(Phrase.RECOVERED)
    if row.instalment is not None:
        yield part(Phrase.PAID_FOR, due_on=row.instalment)
    if allocations:
        yield part(Phrase.ALLOCATED, allocations=tuple(allocations))
    if row.unallocated > ZERO:
        yield part(Phrase.LEFT_OVER, amount=row.unallocated, currency=row.currency)
