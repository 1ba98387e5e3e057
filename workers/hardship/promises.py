"""Promises to pay: recorded, kept, withdrawn, broken. An open promise pauses the ladder."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from domain.events import NotYetError, RejectedError
from domain.money import check_amount
from domain.moves import sources
from domain.promises import (
    BROKEN_AFTER,
    PROMISE_MOVES,
    Promise,
    PromiseStatus,
    ReceivedPayment,
    is_kept,
    promise_hold,
)
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.bulk import is_among
from workers.db.holds import insert_hold
from workers.db.loans import lock_loan_of, lock_named_loan
from workers.db.pending_events import has_pending_event_of_loan, has_pending_tape
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import borrower, hold, loan, payment, promise
from workers.db.sender_ids import is_named, whose_id
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.quarantine import for_each_loan, is_not_quarantined
from workers.escalation.reassess import reassess
from workers.hardship.holds import release

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class NewPromise:
    """What a borrower promised, as the lender's systems or a person recorded it."""

    promise: str
    """The lender's own id of the promise: the same id is the same promise."""
    loan: str
    amount: Decimal
    currency: str
    due_on: date
    """The last business date on which the payment keeps the promise."""
    actor: str
    """The lender's reference of the member of staff."""
    sender: str | None = None
    """Whose id of the promise it is."""


def record_promise(connection: Connection, ctx: Context, new: NewPromise) -> Reasons:
    """Record a promise and pause the ladder for it, in the caller's transaction.

    It replaces an open promise. Returns what came of it.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: its due date has passed, the amount is not payable, the loan is written off,
            or its id is that of another promise.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, new.loan, "promise")
    sender = whose_id(connection, promise, new.promise, new.sender)
    if known := _recorded_before(connection, new, sender):
        return known
    if owed.written_off_on is not None:
        raise RejectedError(
            ReasonCode.PROMISE_FOR_WRITTEN_OFF, loan=new.loan, on=owed.written_off_on
        )
    check_amount(new.amount, new.currency, new.loan, owed.currency)
    if new.due_on < now.date():
        raise RejectedError(ReasonCode.PROMISE_IN_PAST, promise=new.promise, on=new.due_on)
    end_promise(connection, owed.id, now)
    pause = promise_hold(Promise(new.amount, new.due_on, now))
    hold_id = insert_hold(connection, pause, loan_id=owed.id, actor=new.actor, now=now)
    connection.execute(
        insert(promise).values(
            loan_id=owed.id,
            hold_id=hold_id,
            external_id=new.promise,
            sender=sender,
            amount=new.amount,
            due_on=new.due_on,
            actor=new.actor,
            made_at=now,
            status=PromiseStatus.OPEN,
        )
    )
    reassess(connection, ctx, [owed.id], now)
    return because(ReasonCode.LADDER_PAUSES_UNTIL, loan=new.loan, ends_on=pause.ends_on)


def _recorded_before(connection: Connection, new: NewPromise, sender: str) -> Reasons:
    """That the promise is on record already, if it is; another one under its id is refused."""
    stored = connection.execute(
        select(promise.c.status, promise.c.amount, promise.c.due_on, loan.c.external_id)
        .join(loan)
        .where(is_named(promise, new.promise, sender))
    ).one_or_none()
    if stored is None:
        return ()
    if tuple(stored)[1:] != (new.amount, new.due_on, new.loan):
        raise RejectedError(
            ReasonCode.PROMISE_ID_TAKEN, promise=new.promise, loan=stored.external_id
        )
    if stored.status != PromiseStatus.OPEN:
        return because(ReasonCode.PROMISE_OVER, promise=new.promise, promise_status=stored.status)
    return because(ReasonCode.PROMISE_KNOWN, promise=new.promise)


def withdraw_promise(
    connection: Connection,
    ctx: Context,
    external_id: str,
    *,
    sender: str | None = None,
    was_made: bool | None = None,
) -> Reasons:
    """Withdraw a promise: its hold ends today. A completed promise stays as it is.

    `was_made` says whether it was really made, also of one that is completed: what was recorded by
    mistake does not interrupt the limitation period. None: nobody says so.

    Raises:
        NotYetError: the promise is not known.
    """
    now = ctx.now()
    sender = whose_id(connection, promise, external_id, sender)
    loan_id = lock_loan_of(connection, promise, external_id, sender)
    if loan_id is None:
        raise NotYetError(ReasonCode.PROMISE_NOT_KNOWN, promise=external_id)
    named = _PROMISE.where(is_named(promise, external_id, sender))
    (stored,) = typed_rows(_StoredPromise, connection.execute(named))
    if stored.status != PromiseStatus.OPEN and was_made in (None, stored.was_made):
        return because(ReasonCode.PROMISE_OVER, promise=external_id, promise_status=stored.status)
    _note_was_made(connection, stored.id, was_made)
    if stored.status == PromiseStatus.OPEN:
        _complete(connection, stored, PromiseStatus.WITHDRAWN, now)
    reassess(connection, ctx, [loan_id], now)
    if stored.status == PromiseStatus.OPEN:
        return because(ReasonCode.PROMISE_TAKEN_BACK, promise=external_id)
    code = ReasonCode.PROMISE_WAS_MADE if was_made else ReasonCode.PROMISE_NEVER_MADE
    return because(code, promise=external_id)


def end_promise(connection: Connection, loan_id: int, now: datetime) -> None:
    """Withdraw the open promise of a locked loan, before another promise or a write-off."""
    for stored in _open_promises(connection, [loan_id]):
        _note_was_made(connection, stored.id, True)
        _complete(connection, stored, PromiseStatus.WITHDRAWN, now)


def _note_was_made(connection: Connection, promise_id: int, was_made: bool | None) -> None:
    if was_made is not None:
        connection.execute(
            update(promise).where(promise.c.id == promise_id).values(was_made=was_made)
        )


def keep_promises(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """After a payment: complete the open promises of locked loans that are kept by now.

    Only the full promised amount keeps a promise. The caller reassesses the loans.
    """
    for stored in _open_promises(connection, loan_ids):
        made_at = stored.made_at.astimezone(now.tzinfo)
        open_promise = Promise(stored.amount, stored.due_on, made_at)
        received = connection.execute(
            select(
                payment.c.amount - payment.c.returned, payment.c.paid_on, payment.c.recorded_at
            ).where(payment.c.loan_id == stored.loan_id, payment.c.reversed_on.is_(None))
        )
        if is_kept(open_promise, (ReceivedPayment(*row) for row in received)):
            _complete(connection, stored, PromiseStatus.KEPT, now)


def break_overdue_promises(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Complete the promises whose payment must be known by now; returns how many.

    May run any number of times. If nothing is past due any more, the promise is kept: a tape may
    have reported the payment. Otherwise it is broken, and its loan is due for review today. While
    an event or a tape of a loan is not applied yet, such as a payment of yesterday, its promise
    waits.
    """
    now = ctx.now()
    overdue = (
        select(*columns_of(_OverduePromise, promise))
        .select_from(borrower.join(loan).join(promise))
        .where(
            promise.c.status == PromiseStatus.OPEN,
            promise.c.due_on <= now.date() - BROKEN_AFTER,
            is_not_quarantined(now),
            ~has_pending_event_of_loan(),
            ~has_pending_tape(),
        )
        .order_by(promise.c.due_on, promise.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[_OverduePromise]:
        asked = overdue if loan_id is None else overdue.where(loan.c.id == loan_id)
        return typed_rows(_OverduePromise, connection.execute(asked))

    def break_or_keep(connection: Connection, found: Sequence[_OverduePromise]) -> int:
        arrears = reassess(connection, ctx, [each.loan_id for each in found], now)
        broken = [each.id for each in found if arrears[each.loan_id].past_due]
        kept = [each.id for each in found if not arrears[each.loan_id].past_due]
        # Their holds need no release: today is the first day without them.
        return move_promises(connection, broken, PromiseStatus.BROKEN, now) + move_promises(
            connection, kept, PromiseStatus.KEPT, now
        )

    return for_each_loan(ctx, find, break_or_keep)


class _OverduePromise(NamedTuple):
    id: int
    loan_id: int


class _StoredPromise(NamedTuple):
    id: int
    loan_id: int
    hold_id: int
    amount: Decimal
    due_on: date
    made_at: datetime
    status: str
    was_made: bool | None


_PROMISE = select(*columns_of(_StoredPromise, promise))
_OPEN = prepared(
    _PROMISE.where(
        is_among(promise.c.loan_id, "of_loans"),
        promise.c.status == literal(PromiseStatus.OPEN),
    )
)


def _open_promises(connection: Connection, loan_ids: Sequence[int]) -> list[_StoredPromise]:
    """One of each loan at most, as a constraint guarantees."""
    return typed_rows(_StoredPromise, connection.execute(_OPEN, {"of_loans": list(loan_ids)}))


def _complete(
    connection: Connection, stored: _StoredPromise, status: PromiseStatus, now: datetime
) -> None:
    """Complete an open promise before its due date, and end its hold today."""
    if move_promises(connection, [stored.id], status, now):
        release(connection, hold.c.id == stored.hold_id, now.date(), now)


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
