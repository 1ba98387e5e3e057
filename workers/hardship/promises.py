"""Promises to pay: recorded by the lender's terms, and withdrawn. An open one pauses the ladder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, insert, select, update

from domain.events import STAFF, NotYetError, RejectedError
from domain.holds import Hold
from domain.money import check_amount
from domain.promise_terms import PromiseTerms
from domain.promises import Promise, PromisePart, PromiseStatus, promise_hold
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.holds import insert_hold, release, where_ladder_stands
from workers.db.loans import LockedLoan, lock_loan_by_id, lock_loan_of, lock_named_loan
from workers.db.persons import lock_payer, records_of_person
from workers.db.promises import (
    OF_CONVERSATION,
    STORED,
    StoredPromise,
    cause_of,
    causes_of,
    move_promises,
    promises_of,
    stored_promise,
)
from workers.db.schema import borrower, hold, hold_of_loan, inbox_event, loan, promise, promise_part
from workers.db.sender_ids import is_named, whose_id
from workers.escalation.follow_ups import end_follow_ups
from workers.escalation.reassess import reassess
from workers.hardship.matters import who_raises
from workers.hardship.means import Payer, keep_means, known_means, promised_besides, who_pays
from workers.hardship.promise_follow_ups import plan_reminders
from workers.hardship.promise_review import (
    assert_mistake,
    assert_taken,
    terms_of_loan,
)


@dataclass(frozen=True, slots=True)
class NewPromise:
    """What a borrower promised, as the lender's systems or a person recorded it.

    Either `amount` and `due_on`, or `parts`; with these, the former may repeat all of it and the
    last day.
    """

    promise: str
    """The lender's own id of the promise: the same id is the same promise."""
    loan: str
    currency: str
    actor: str
    """The lender's reference of the member of staff."""
    amount: Decimal | None = None
    due_on: date | None = None
    """The last business date on which the payment keeps the promise."""
    parts: Sequence[PromisePart] = field(default=())
    agreed_by: str | None = None
    """The supervisor who agreed to what goes beyond the limits, as a machine says."""
    can_pay_monthly: Decimal | None = None
    """What who promises said to be able to pay a month; None: nobody asked."""
    borrower: str | None = None
    """The lender's id of the record of who promises; None: the borrower of the loan."""
    sender: str | None = None
    """Whose id of the promise it is."""
    in_conversation: bool = False
    """Whether the outcome of a conversation says it, under an id that nobody chose."""


def record_promise(connection: Connection, ctx: Context, new: NewPromise) -> Reasons:
    """Record a promise and pause the ladder for it, in the caller's transaction.

    It replaces an open promise. But what a conversation came to is the open promise of the same
    payments that was recorded on the same day; so is what a person records, however often.
    A system withdraws its promises by their ids, so one of a system replaces that of a
    conversation. Its reminders are planned where the ladder has one. Returns what came of it.

    Raises:
        NotYetError: the loan, or the record of who promises, is not known.
        RejectedError: who promises never was party to the loan; a day has passed, an amount is not
            payable, the parts do not add up, the loan is written off, the lender's terms do not
            take it, or its id is that of another promise.
        SecondPersonNeededError: a supervisor must agree, and has not done so yet.
    """
    now = ctx.now()
    if new.borrower is not None and not new.in_conversation:
        who_raises(connection, new.loan, new.borrower, "promise")
    else:
        lock_payer(connection, new.loan, new.borrower)
    owed = lock_named_loan(connection, new.loan, "promise")
    sender = whose_id(connection, promise, new.promise, new.sender)
    parts = _parts_of(new, owed)
    payer = who_pays(connection, owed, new.borrower)
    if known := _recorded_before(connection, new, parts, sender, payer):
        return known
    other = payer.other
    means = new.can_pay_monthly
    made_today = _of_the_same_payments(connection, owed, parts, now)
    if made_today and new.borrower is None:
        # A system repeats what a conversation came to, and does not say with whom it was.
        other = made_today.borrower_id
    is_same = made_today and made_today.borrower_id == other and _repeats(new, sender, made_today)
    same = made_today if is_same else None
    if same and means in (None, known_means(connection, ctx, payer.record, owed.currency)):
        return because(ReasonCode.PROMISE_KNOWN, promise=same.external_id)
    if owed.written_off_on is not None:
        raise RejectedError(
            ReasonCode.PROMISE_FOR_WRITTEN_OFF, loan=new.loan, on=owed.written_off_on
        )
    if parts[0].due_on < now.date():
        raise RejectedError(ReasonCode.PROMISE_IN_PAST, promise=new.promise, on=parts[0].due_on)
    terms = terms_of_loan(ctx, owed, now.date())
    if means is None:
        means = known_means(connection, ctx, payer.record, owed.currency)
    besides = [] if means is None else promised_besides(connection, payer.record, owed, now)
    agreed_by = assert_taken(connection, ctx, owed, terms, new, parts, now, means, besides, other)
    if same:
        kept = keep_means(connection, ctx, owed, payer, means, now)
        of_same = update(promise).where(promise.c.id == same.id)
        connection.execute(of_same.values(a_month_id=kept))
        return because(ReasonCode.PROMISE_KNOWN, promise=same.external_id)
    replaced = end_promise(connection, owed.id, now)
    replaces: Reasons = ()
    if replaced:
        name, on = replaced.external_id, replaced.due_on
        replaces = because(ReasonCode.PROMISE_TAKES_PLACE, promise=name, on=on)
    made = _made(parts, terms, now)
    pause = promise_hold(made)
    hold_id = insert_hold(connection, pause, loan_id=owed.id, actor=new.actor, now=now)
    promise_id: int = connection.execute(
        insert(promise)
        .values(
            loan_id=owed.id,
            hold_id=hold_id,
            external_id=new.promise,
            sender=sender,
            amount=made.amount,
            due_on=made.due_on,
            actor=new.actor,
            made_at=now,
            status=PromiseStatus.OPEN,
            terms=terms.name if terms else None,
            tolerance=made.tolerance,
            grace_days=made.grace_days,
            booking_days=made.booking_days,
            partly_from=made.partly_from,
            agreed_by=agreed_by,
            replaces_id=replaced.id if replaced else None,
            a_month_id=keep_means(connection, ctx, owed, payer, new.can_pay_monthly, now),
            borrower_id=other,
            judge_on=made.known_on(parts[0]),
        )
        .returning(promise.c.id)
    ).scalar_one()
    rows = [
        {"promise_id": promise_id, "due_on": part.due_on, "amount": part.amount} for part in parts
    ]
    insert_rows(connection, promise_part, rows)
    reassess(connection, ctx, [owed.id], now)
    plan_reminders(connection, ctx, owed.id, new.promise, sender, other, parts, now)
    pauses = because(ReasonCode.LADDER_PAUSES_UNTIL, loan=new.loan, ends_on=pause.ends_on)
    return replaces + pauses + _paused_longer(connection, owed.id, hold_id, pause, now.date())


def _paused_longer(
    connection: Connection, loan_id: int, hold_id: int, pause: Hold, today: date
) -> Reasons:
    """What else pauses the ladder, beyond the promise, such as a dispute."""
    ends_on = hold_of_loan.c.ends_on
    longer = (
        select(hold_of_loan.c.kind)
        .where(
            hold_of_loan.c.loan_id == loan_id,
            hold_of_loan.c.id != hold_id,
            hold_of_loan.c.starts_on <= today,
            ends_on.is_(None) | (ends_on > pause.ends_on),
        )
        .distinct()
        .order_by(hold_of_loan.c.kind)
    )
    kinds = connection.execute(longer).scalars()
    return tuple(
        reason for kind in kinds for reason in because(ReasonCode.PAUSED_LONGER, hold=kind)
    )


def _parts_of(new: NewPromise, owed: LockedLoan) -> tuple[PromisePart, ...]:
    """The parts, by their days.

    Raises:
        RejectedError: an amount is not payable, or the parts do not add up.
    """
    if not new.parts:
        if new.amount is None or new.due_on is None:
            raise RejectedError(ReasonCode.PROMISE_WITHOUT_PARTS, promise=new.promise)
        check_amount(new.amount, new.currency, new.loan, owed.currency)
        return (PromisePart(new.due_on, new.amount),)
    parts = tuple(sorted(new.parts))
    for part in parts:
        check_amount(part.amount, new.currency, new.loan, owed.currency)
    days = [part.due_on for part in parts]
    if len(set(days)) < len(days):
        twice = next(day for day in days if days.count(day) > 1)
        raise RejectedError(ReasonCode.PROMISE_PARTS_ON_ONE_DAY, promise=new.promise, on=twice)
    total = sum(part.amount for part in parts)
    if new.amount not in (None, total):
        raise RejectedError(
            ReasonCode.PROMISE_PARTS_DO_NOT_ADD_UP,
            promise=new.promise,
            amount=new.amount,
            total=total,
            currency=new.currency,
        )
    if new.due_on not in (None, days[-1]):
        raise RejectedError(
            ReasonCode.PROMISE_ENDS_ELSEWHERE, promise=new.promise, on=new.due_on, ends_on=days[-1]
        )
    return parts


def _made(parts: tuple[PromisePart, ...], terms: PromiseTerms | None, now: datetime) -> Promise:
    """The promise, with what its terms say of this amount."""
    if terms is None:
        return Promise(parts, now)
    amount = Promise(parts, now).amount
    return Promise(
        parts,
        now,
        tolerance=terms.tolerance(amount),
        grace_days=terms.grace_days,
        booking_days=terms.booking_days,
        partly_from=terms.partly_from(amount),
    )


def _recorded_before(
    connection: Connection,
    new: NewPromise,
    parts: tuple[PromisePart, ...],
    sender: str,
    payer: Payer,
) -> Reasons:
    """That the promise is on record already, if it is; another one under its id is refused."""
    stored = _named(connection, new.promise, sender)
    if stored is None:
        return ()
    of_loan = select(loan.c.external_id).where(loan.c.id == stored.loan_id)
    name: str = connection.execute(of_loan).scalar_one()
    says_same = name == new.loan and stored.as_made(stored.made_at).parts == parts
    if not says_same or _is_of_another(connection, new, stored, payer):
        raise RejectedError(ReasonCode.PROMISE_ID_TAKEN, promise=new.promise, loan=name)
    if stored.status != PromiseStatus.OPEN:
        return because(ReasonCode.PROMISE_OVER, promise=new.promise, promise_status=stored.status)
    return because(ReasonCode.PROMISE_KNOWN, promise=new.promise)


def _is_of_another(
    connection: Connection, new: NewPromise, stored: StoredPromise, payer: Payer
) -> bool:
    """Whether a promise is on record as that of somebody else than is named."""
    if new.borrower is None:
        return False
    if stored.borrower_id is None or payer.is_borrower:
        return stored.borrower_id is not None or not payer.is_borrower
    theirs = records_of_person(payer.record).where(borrower.c.id == stored.borrower_id)
    return connection.execute(theirs).first() is None


def _repeats(new: NewPromise, sender: str, before: StoredPromise) -> bool:
    """Whether a promise of the same payments is the one before, and does not replace it."""
    of_staff = before.sender == STAFF or before.external_id.startswith(OF_CONVERSATION)
    return new.in_conversation or (sender == STAFF and of_staff)


def _of_the_same_payments(
    connection: Connection, owed: LockedLoan, parts: tuple[PromisePart, ...], now: datetime
) -> StoredPromise | None:
    """The open promise of a loan of the same payments, if it was recorded on the same day."""
    for stored in promises_of(connection, [owed.id], [PromiseStatus.OPEN]):
        made = stored.as_made(now)
        if made.parts == parts and made.made_at.date() == now.date():
            return stored
    return None


def _named(connection: Connection, external_id: str, sender: str) -> StoredPromise | None:
    named = STORED.where(is_named(promise, external_id, sender))
    row = connection.execute(named).one_or_none()
    return stored_promise(row) if row else None


def _repeated_by(connection: Connection, external_id: str, sender: str) -> str | None:
    """The id of the promise on record that one of this id only repeated when it was reported."""
    told = select(inbox_event.c.reason).where(
        is_named(inbox_event, cause_of(external_id, STAFF), sender)
    )
    reasons: Reasons = connection.execute(told).scalar() or ()
    known = (each.params for each in reasons if each.code is ReasonCode.PROMISE_KNOWN)
    return next((str(params["promise"]) for params in known), None)


def withdraw_promise(
    connection: Connection,
    ctx: Context,
    external_id: str,
    *,
    sender: str | None = None,
    was_made: bool | None = None,
) -> Reasons:
    """Withdraw a promise: its hold ends today. A completed promise stays as it is.

    `was_made` says whether the promise was really made, also if it is completed: what was recorded
    by mistake does not interrupt the limitation period. None: nobody says so.

    Raises:
        NotYetError: the promise is not known.
        RejectedError: it only repeated another promise, which has an id of its own.
        SecondPersonNeededError: it was no mistake that a collector may correct alone.
    """
    now = ctx.now()
    sender = whose_id(connection, promise, external_id, sender)
    loan_id = lock_loan_of(connection, promise, external_id, sender)
    stored = _named(connection, external_id, sender)
    if loan_id is None or stored is None:
        if first := _repeated_by(connection, external_id, sender):
            raise RejectedError(ReasonCode.PROMISE_REPEATS, promise=external_id, first=first)
        raise NotYetError(ReasonCode.PROMISE_NOT_KNOWN, promise=external_id)
    if stored.status != PromiseStatus.OPEN and was_made in (None, stored.was_made):
        return because(ReasonCode.PROMISE_OVER, promise=external_id, promise_status=stored.status)
    if was_made is False:
        assert_mistake(connection, ctx, lock_loan_by_id(connection, loan_id), stored, now)
    note_was_made(connection, stored.id, was_made)
    if stored.status == PromiseStatus.OPEN:
        complete(connection, stored, PromiseStatus.WITHDRAWN, now)
    reassess(connection, ctx, [loan_id], now)
    if stored.status == PromiseStatus.OPEN:
        taken_back = because(ReasonCode.PROMISE_TAKEN_BACK, promise=external_id)
        return taken_back + where_ladder_stands(connection, [loan_id], now.date())
    code = ReasonCode.PROMISE_WAS_MADE if was_made else ReasonCode.PROMISE_NEVER_MADE
    return because(code, promise=external_id)


def end_promise(connection: Connection, loan_id: int, now: datetime) -> StoredPromise | None:
    """Withdraw the open promise of a locked loan, before another promise or a write-off, and return
    it."""
    for stored in promises_of(connection, [loan_id], [PromiseStatus.OPEN]):
        note_was_made(connection, stored.id, True)
        complete(connection, stored, PromiseStatus.WITHDRAWN, now)
        return stored
    return None


def note_was_made(connection: Connection, promise_id: int, was_made: bool | None) -> None:
    """Note whether a promise was really made; None: nobody says so."""
    if was_made is not None:
        connection.execute(
            update(promise).where(promise.c.id == promise_id).values(was_made=was_made)
        )


def complete(
    connection: Connection,
    stored: StoredPromise,
    status: PromiseStatus,
    now: datetime,
    paid: Decimal | None = None,
) -> None:
    """Complete an open promise: its hold ends today, and its reminders are not sent any more."""
    counted = {} if paid is None else {stored.id: paid}
    if move_promises(connection, [stored.id], status, now, paid=counted):
        release(connection, hold.c.id == stored.hold_id, now.date(), now)
        end_follow_ups(connection, [stored.loan_id], causes_of(stored), now)
