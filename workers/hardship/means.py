"""What a person can pay a month: said once, true of the person, and compared with all they owe."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, or_, select, union_all

from domain.arrangements import ArrangementStatus
from domain.promises import PromisePart, PromiseStatus
from workers.context import Context
from workers.db.free_text import keep_words, open_words
from workers.db.loans import LockedLoan
from workers.db.parties import loans_of
from workers.db.persons import records_of_person
from workers.db.promises import promises_of
from workers.db.schema import (
    arrangement,
    arrangement_instalment,
    borrower,
    free_text,
    instalment,
    loan,
    promise,
)


class Payer(NamedTuple):
    """Who says that a loan will be paid."""

    record: int
    is_borrower: bool

    @property
    def other(self) -> int | None:
        """The record, where it is not the borrower's: as it is stored."""
        return None if self.is_borrower else self.record


def who_pays(connection: Connection, owed: LockedLoan, record: str | None) -> Payer:
    """Who says that a loan will be paid: a co-borrower or a guarantor, by the lender's id of their
    `record`, or the borrower."""
    of_loan = loan.c.id == owed.id
    own = select(loan.c.borrower_id).where(of_loan)
    if record is None:
        return Payer(connection.execute(own).scalar_one(), is_borrower=True)
    named = borrower.alias("named")
    of_named = select(named.c.person_id).where(named.c.external_id == record).scalar_subquery()
    is_own = select(borrower.c.person_id).join(loan).where(of_loan).scalar_subquery() == of_named
    found = select(named.c.id, is_own).where(named.c.external_id == record)
    id, is_borrower = connection.execute(found).one()
    if is_borrower:
        return Payer(connection.execute(own).scalar_one(), is_borrower=True)
    return Payer(id, is_borrower=False)


def keep_means(
    connection: Connection,
    ctx: Context,
    owed: LockedLoan,
    payer: Payer,
    a_month: Decimal | None,
    now: datetime,
) -> UUID | None:
    """Keep what a person said to be able to pay a month, encrypted; its id. An erasure of the
    person deletes it."""
    if a_month is None:
        return None
    return keep_words(
        connection,
        ctx.cipher,
        f"{a_month:f}",
        now,
        loan_id=owed.id if payer.is_borrower else None,
        borrower_id=payer.other,
    )


def kept_means(
    connection: Connection, ctx: Context, promise_ids: Collection[int]
) -> Decimal | None:
    """What is kept of it with one of these promises; None: nothing, or it was erased."""
    kept = select(promise.c.a_month_id).where(
        promise.c.id.in_(promise_ids), promise.c.a_month_id.is_not(None)
    )
    id: UUID | None = connection.execute(kept.order_by(promise.c.id.desc()).limit(1)).scalar()
    words = open_words(connection, ctx.cipher, [id]).get(id) if id else None
    return Decimal(words) if words else None


def known_means(connection: Connection, ctx: Context, payer: int, currency: str) -> Decimal | None:
    """What the person behind a record said last, about whichever of their loans in a currency: with
    a promise, or as the wish for a plan. None: nothing, or it was erased."""
    with_promises = select(promise.c.a_month_id.label("id"), promise.c.loan_id).where(
        promise.c.a_month_id.is_not(None)
    )
    with_wishes = select(arrangement.c.wish_monthly_id, arrangement.c.loan_id).where(
        arrangement.c.wish_monthly_id.is_not(None)
    )
    records = records_of_person(payer)
    theirs = or_(
        loan.c.borrower_id.in_(records) & free_text.c.borrower_id.is_(None),
        free_text.c.borrower_id.in_(records),
    )
    said = union_all(with_promises, with_wishes).subquery()
    newest: UUID | None = connection.execute(
        select(said.c.id)
        .join(free_text, free_text.c.id == said.c.id)
        .join(loan, loan.c.id == said.c.loan_id)
        .where(theirs, loan.c.currency == currency)
        .order_by(free_text.c.written_at.desc())
        .limit(1)
    ).scalar()
    if newest is None:
        return None
    words = open_words(connection, ctx.cipher, [newest]).get(newest)
    return Decimal(words) if words else None


def promised_besides(
    connection: Connection,
    payer: int,
    owed: LockedLoan,
    now: datetime,
) -> list[PromisePart]:
    """What the person behind a record is to pay from today on for other loans of the same currency:
    the parts of their open promises, also of those as a guarantor; and of their own loans the
    instalments of what was accepted or is kept, or can still be accepted. Of a loan that has both,
    instalments count from after the last day of its promise.

    The person is locked, so that what is recorded at the same moment counts as well.
    """
    today = now.date()
    records = [row.id for row in connection.execute(records_of_person(payer))]
    others = select(loan.c.id, loan.c.borrower_id).where(
        loan.c.id.in_(loans_of(records)),
        loan.c.currency == owed.currency,
        loan.c.id != owed.id,
    )
    whose: dict[int, int] = {row.id: row.borrower_id for row in connection.execute(others)}
    if not whose:
        return []
    promises = [
        each
        for each in promises_of(connection, list(whose), [PromiseStatus.OPEN])
        if (each.borrower_id or whose[each.loan_id]) in records
    ]
    own = [id for id, borrower_id in whose.items() if borrower_id in records]
    last = {each.loan_id: each.due_on for each in promises}
    parts = [part for each in promises for part in each.as_made(now).parts]
    parts += [
        part
        for loan_id, part in _of_arrangements(connection, own, today)
        if part.due_on > last.get(loan_id, date.min)
    ]
    return [part for part in parts if part.due_on >= today]


def _of_arrangements(
    connection: Connection, ids: Sequence[int], today: date
) -> list[tuple[int, PromisePart]]:
    """What is unpaid of the schedules of loans with an active arrangement; and of accepted ones,
    which the ledger has not confirmed yet, what was accepted. So it is of offers that can still be
    accepted."""
    due, own = instalment.c, arrangement_instalment.c
    unpaid = due.principal + due.interest + due.fees
    unpaid -= due.paid_principal + due.paid_interest + due.paid_fees
    kept = (
        select(due.loan_id, due.due_on, unpaid.label("amount"))
        .join(arrangement, arrangement.c.loan_id == due.loan_id)
        .where(_is(ArrangementStatus.ACTIVE, ids), unpaid > 0)
    )
    amount = func.coalesce(own.principal + own.interest + own.fees, 0)
    accepted = (
        select(arrangement.c.loan_id, own.due_on, amount)
        .join(arrangement, arrangement.c.id == own.arrangement_id)
        .where(_is(ArrangementStatus.ACCEPTED, ids) | _is_offered(ids, today))
    )
    rows = connection.execute(union_all(kept, accepted))
    return [(row.loan_id, PromisePart(row.due_on, row.amount)) for row in rows]


def _is(status: ArrangementStatus, ids: Sequence[int]) -> ColumnElement[bool]:
    return arrangement.c.loan_id.in_(ids) & (arrangement.c.status == status)


def _is_offered(ids: Sequence[int], on: date) -> ColumnElement[bool]:
    return _is(ArrangementStatus.OFFERED, ids) & (arrangement.c.valid_until >= on)
