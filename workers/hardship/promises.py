"""Promises to pay: made, kept, taken back, broken. While one is open the ladder pauses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from domain.actors import Actor
from domain.events import NotYetError, RejectedError
from domain.money import check_amount
from domain.moves import sources
from domain.promises import (
    PROMISE_MOVES,
    TELLING,
    Promise,
    PromiseStatus,
    Received,
    hold_of,
    is_kept,
)
from workers.context import Context
from workers.db.bulk import is_among
from workers.db.loans import lock_loan_of, lock_named_loan
from workers.db.pending_events import has_pending_event
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import borrower, hold, loan, payment, promise
from workers.db.typed_rows import typed_rows
from workers.escalation.reassess import reassess
from workers.hardship.holds import insert_hold, release

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class NewPromise:
    """What a borrower promised, as the lender's systems or a person told it."""

    external_id: str
    """The lender's own id of the promise: the same id is the same promise."""
    loan: str
    amount: Decimal
    currency: str
    due_on: date
    """Paid on this business date, it is still kept."""
    actor: Actor
    """The lender's own reference of whoever wrote it down."""


def record_promise(connection: Connection, ctx: Context, made: NewPromise) -> str:
    """Record a promise and pause the ladder for it, in the caller's transaction.

    It takes the place of one that is open. Returns a sentence for people.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: its day has passed, the amount cannot be paid, or the loan is written off.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, made.loan, "promise")
    if _is_known(connection, made.external_id):
        return f"Promise {made.external_id} is on record already; nothing changed."
    if owed.written_off_on is not None:
        raise RejectedError(
            f"Loan {made.loan} was written off on {owed.written_off_on}, and is not collected "
            "here: there is nothing that a promise could pause."
        )
    check_amount(made.amount, made.currency, made.loan, owed.currency)
    if made.due_on < now.date():
        raise RejectedError(
            f"Promise {made.external_id} is for {made.due_on}, which has passed. Ask for a day to "
            "come."
        )
    end_promise(connection, owed.id, now)
    pause = hold_of(Promise(made.amount, made.due_on, now))
    hold_id = insert_hold(
        connection, owed.id, pause, actor=made.actor, why="a promise to pay", now=now
    )
    connection.execute(
        insert(promise).values(
            loan_id=owed.id,
            hold_id=hold_id,
            external_id=made.external_id,
            amount=made.amount,
            due_on=made.due_on,
            actor=made.actor.reference,
            made_at=now,
            status=PromiseStatus.OPEN,
        )
    )
    reassess(connection, [owed.id], now)
    return f"The ladder of loan {made.loan} pauses until {pause.ends_on}."


def withdraw_promise(connection: Connection, ctx: Context, external_id: str) -> str:
    """Take back a promise: its pause ends today. One that is settled stays as it is.

    Raises:
        NotYetError: the promise is not known.
    """
    now = ctx.now()
    loan_id = lock_loan_of(connection, promise, external_id)
    if loan_id is None:
        raise NotYetError(f"Promise {external_id} is not known. Its withdrawal is kept.")
    named = _PROMISE.where(promise.c.external_id == external_id)
    (known,) = typed_rows(_StoredPromise, connection.execute(named))
    if known.status != PromiseStatus.OPEN:
        return f"Promise {external_id} is {known.status} already; nothing changed."
    _settle(connection, known, PromiseStatus.WITHDRAWN, now)
    reassess(connection, [loan_id], now)
    return f"Promise {external_id} is withdrawn; the ladder goes on where it stood."


def end_promise(connection: Connection, loan_id: int, now: datetime) -> None:
    """Take back what a locked loan has open: another promise, or a write-off, takes its place."""
    for found in _open_promises(connection, [loan_id]):
        _settle(connection, found, PromiseStatus.WITHDRAWN, now)


def keep_promises(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """After money came in: settle the open promises of locked loans that are kept by now.

    Only the promised amount keeps a promise. The caller reassesses the loans.
    """
    for found in _open_promises(connection, loan_ids):
        made = Promise(found.amount, found.due_on, found.made_at.astimezone(now.tzinfo))
        received = connection.execute(
            select(payment.c.amount, payment.c.paid_on, payment.c.recorded_at).where(
                payment.c.loan_id == found.loan_id, payment.c.reversed_on.is_(None)
            )
        )
        if is_kept(made, (Received(*row) for row in received)):
            _settle(connection, found, PromiseStatus.KEPT, now)


def break_overdue_promises(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Settle promises whose money must be known by now; returns how many.

    Any number of times does no harm. With nothing past due any more a promise is kept, however it
    came about: a tape may have told of the money. Otherwise it is broken, and the loan is looked
    at today. Where news of a loan waits to be applied, such as a payment of yesterday, its promise
    waits too.
    """
    now = ctx.now()
    overdue = (
        select(promise.c.id, promise.c.loan_id)
        .select_from(borrower.join(loan).join(promise))
        .where(
            promise.c.status == PromiseStatus.OPEN,
            promise.c.due_on < now.date() - TELLING,
            ~has_pending_event(),
        )
        .order_by(promise.c.due_on, promise.c.id)
        .limit(limit)
        .with_for_update(of=loan, skip_locked=True)
    )
    with ctx.engine.begin() as connection:
        found = connection.execute(overdue).all()
        if not found:
            return 0
        arrears = reassess(connection, [row.loan_id for row in found], now)
        broken = [row.id for row in found if arrears[row.loan_id].past_due]
        kept = [row.id for row in found if not arrears[row.loan_id].past_due]
        # Their holds end by themselves: today is the first day without them.
        return move_promises(connection, broken, PromiseStatus.BROKEN, now) + move_promises(
            connection, kept, PromiseStatus.KEPT, now
        )


def _is_known(connection: Connection, external_id: str) -> bool:
    known = select(promise.c.id).where(promise.c.external_id == external_id)
    return connection.execute(known).first() is not None


class _StoredPromise(NamedTuple):
    id: int
    loan_id: int
    hold_id: int
    amount: Decimal
    due_on: date
    made_at: datetime
    status: str


_PROMISE = select(*(promise.c[name] for name in _StoredPromise._fields))
_OPEN = prepared(
    _PROMISE.where(
        is_among(promise.c.loan_id, "of_loans"),
        promise.c.status == literal(PromiseStatus.OPEN),
    )
)


def _open_promises(connection: Connection, loan_ids: Sequence[int]) -> list[_StoredPromise]:
    """Of each loan one at most: a constraint sees to that."""
    return typed_rows(_StoredPromise, connection.execute(_OPEN, {"of_loans": list(loan_ids)}))


def _settle(
    connection: Connection, found: _StoredPromise, status: PromiseStatus, now: datetime
) -> None:
    """Close an open promise before its day is over, and end its pause today."""
    if move_promises(connection, [found.id], status, now):
        release(connection, hold.c.id == found.hold_id, now.date(), now)


def move_promises(
    connection: Connection, promise_ids: Collection[int], status: PromiseStatus, now: datetime
) -> int:
    """Move those of the promises whose status allows it. Returns how many moved."""
    moved = connection.execute(
        update(promise)
        .where(promise.c.id.in_(promise_ids), promise.c.status.in_(sources(PROMISE_MOVES, status)))
        .values(status=status, completed_at=now)
    )
    return moved.rowcount
