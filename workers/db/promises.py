"""Promises in the database: read with their parts, and moved by the table of their moves."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Numeric,
    Row,
    Select,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from domain.adjustments import AdjustmentKind
from domain.events import STAFF
from domain.holds import Hold, HoldKind
from domain.moves import sources
from domain.promises import PROMISE_MOVES, Promise, PromisePart, PromiseStatus, ReceivedPayment
from workers.db import outbox_messages
from workers.db.bulk import is_among
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    adjustment,
    adjustment_part,
    borrower,
    hold,
    hold_of_loan,
    paid_by_tape,
    payment,
    promise,
    promise_event,
    promise_part,
    replaced_schedule,
)
from workers.db.typed_rows import columns_of, typed_rows

OF_CONVERSATION = "promised:"
"""With this begins the id of a promise that an outcome says; the id of its attempt follows."""

MONEY_COMES_LATE = timedelta(days=31)
"""For so long after its last day, a promise that was not kept is judged again when a payment is
reported."""


class StoredPromise(NamedTuple):
    """A promise as it is on record."""

    id: int
    loan_id: int
    hold_id: int
    external_id: str
    sender: str
    amount: Decimal
    due_on: date
    made_at: datetime
    status: PromiseStatus
    was_made: bool | None
    tolerance: Decimal | None
    grace_days: int | None
    booking_days: int | None
    partly_from: Decimal | None
    actor: str
    borrower_id: int | None
    """The record of the co-borrower or the guarantor who promised; None: the borrower."""
    next_made_at: datetime | None
    """When the next promise of the loan was made, unless that was a mistake."""
    days: list[date]
    """Of its parts, by their days; none for a promise of an earlier release, which is one part."""
    amounts: list[Decimal]
    held_from: list[date]
    """Of what else stopped the collection of the loan: the holds that are no promise's."""
    held_to: list[date | None]

    def as_made(self, now: datetime) -> Promise:
        """The promise, with the days until `now` on which its clock stood still; its moments are in
        the zone of `now`, the lender's."""
        parts = tuple(map(PromisePart, self.days, self.amounts))
        terms = Promise.of(self.amount, self.due_on, self.made_at.astimezone(now.tzinfo))
        promised = Promise(
            parts or terms.parts,
            terms.made_at,
            tolerance=self.tolerance or terms.tolerance,
            grace_days=self.grace_days or terms.grace_days,
            booking_days=terms.booking_days if self.booking_days is None else self.booking_days,
            partly_from=self.partly_from,
            next_made_at=self.next_made_at and self.next_made_at.astimezone(now.tzinfo),
        )
        others = [Hold(_OTHER, *days) for days in zip(self.held_from, self.held_to, strict=True)]
        return promised.while_held(others, now.date())


_OTHER = HoldKind.MANUAL
"""Of what else stopped collection the days count, and not the kind."""


def cause_of(external_id: str, sender: str) -> str:
    """The cause of what follows from a promise: its id, with whose id it is."""
    return f"promise:{external_id}" if sender == STAFF else f"promise:{external_id} [{sender}]"


def cause_of_part(external_id: str, sender: str, part: PromisePart, parts: int) -> str:
    """The cause of a reminder. Of a promise in several parts, each part has a cause of its own."""
    cause = cause_of(external_id, sender)
    return cause if parts == 1 else f"{cause} {part.due_on}"


def causes_of_parts(stored: StoredPromise, parts: Sequence[PromisePart]) -> list[str]:
    """The causes of the reminders of some parts of a promise."""
    number = len(stored.days) or 1
    return [cause_of_part(stored.external_id, stored.sender, part, number) for part in parts]


def causes_of(stored: StoredPromise) -> list[str]:
    """The causes of everything that may follow from a promise."""
    parts = stored.as_made(stored.made_at).parts
    own = cause_of(stored.external_id, stored.sender)
    return list(dict.fromkeys([own, *causes_of_parts(stored, parts)]))


def _parts(values: ColumnElement[object]) -> ColumnElement[object]:
    """A column of the parts of a promise, in the order of their days."""
    ordered = func.array_agg(aggregate_order_by(values, promise_part.c.due_on.asc()))
    of_promise = select(ordered).where(promise_part.c.promise_id == promise.c.id)
    return func.coalesce(of_promise.scalar_subquery(), cast([], ARRAY(values.type)))


def _others(values: ColumnElement[object]) -> ColumnElement[object]:
    """A column of the holds of the loan and its borrower that are no promise's, in one order."""
    ordered = func.array_agg(aggregate_order_by(values, hold_of_loan.c.id.asc()))
    of_loan = select(ordered).where(
        hold_of_loan.c.loan_id == promise.c.loan_id,
        hold_of_loan.c.kind != HoldKind.PROMISE,
        hold_of_loan.c.ends_on.is_(None) | (hold_of_loan.c.ends_on > hold_of_loan.c.starts_on),
    )
    return func.coalesce(of_loan.scalar_subquery(), cast([], ARRAY(values.type)))


_later = promise.alias("later")
_NEXT_MADE_AT = (
    select(func.min(_later.c.made_at))
    .where(
        _later.c.loan_id == promise.c.loan_id,
        _later.c.id > promise.c.id,
        _later.c.was_made.is_not(False),
    )
    .scalar_subquery()
)
STORED: Select[*tuple[object, ...]] = select(
    *columns_of(
        StoredPromise,
        promise,
        next_made_at=_NEXT_MADE_AT,
        days=_parts(promise_part.c.due_on),
        amounts=_parts(cast(promise_part.c.amount, Numeric(18, 4))),
        held_from=_others(hold_of_loan.c.starts_on),
        held_to=_others(hold_of_loan.c.ends_on),
    )
)
_OF_LOANS = prepared(
    STORED.where(
        is_among(promise.c.loan_id, "of_loans"),
        is_among(promise.c.status, "statuses"),
        promise.c.due_on >= bindparam("due_from"),
    ).order_by(promise.c.id)
)


def stored_promise(row: Row[*tuple[object, ...]]) -> StoredPromise:
    """One row of `STORED`."""
    stored = StoredPromise(*row)  # type: ignore[arg-type]  # as `columns_of` has them
    return stored._replace(status=PromiseStatus(stored.status))


def promises_of(
    connection: Connection,
    loan_ids: Sequence[int],
    statuses: Collection[PromiseStatus],
    due_from: date = date.min,
) -> list[StoredPromise]:
    """The promises of loans with one of these statuses, whose last day is not before `due_from`."""
    asked = {
        "of_loans": list(loan_ids),
        "statuses": [str(status) for status in statuses],
        "due_from": due_from,
    }
    return [stored_promise(row) for row in connection.execute(_OF_LOANS, asked)]


class _Received(NamedTuple):
    loan_id: int
    amount: Decimal
    paid_on: date
    recorded_at: datetime


def payments_of(
    connection: Connection, loan_ids: Collection[int]
) -> Mapping[int, list[ReceivedPayment]]:
    """What was paid for loans and not reversed, by loan. One statement."""
    rows = connection.execute(
        select(*columns_of(_Received, payment, amount=payment.c.amount - payment.c.returned)).where(
            payment.c.loan_id.in_(loan_ids), payment.c.reversed_on.is_(None)
        )
    )
    received = defaultdict[int, list[ReceivedPayment]](list)
    for row in typed_rows(_Received, rows):
        received[row.loan_id].append(ReceivedPayment(row.amount, row.paid_on, row.recorded_at))
    return received


_MOVE = text("""
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:paid AS numeric[])) AS g (id, paid)
), before AS (
    SELECT p.id, p.status, g.paid FROM promise p JOIN given g ON g.id = p.id
     WHERE p.status = ANY(:sources)
       FOR UPDATE OF p
), moved AS (
    UPDATE promise p
       SET status = :to, completed_at = CASE WHEN :to = 'open' THEN NULL
                                             ELSE CAST(:now AS timestamptz) END
      FROM before
     WHERE p.id = before.id
 RETURNING p.id, p.loan_id, p.external_id, p.sender, p.due_on, before.status, before.paid
), noted AS (
    INSERT INTO promise_event (promise_id, at, from_status, to_status, paid)
    SELECT id, :now, status, :to, paid FROM moved
)
SELECT id, loan_id, external_id, sender, due_on FROM moved ORDER BY id
""")


def move_promises(
    connection: Connection,
    promise_ids: Collection[int],
    status: PromiseStatus,
    now: datetime,
    *,
    paid: Mapping[int, Decimal] | None = None,
) -> int:
    """Move those of the promises whose status allows it. Returns how many moved.

    `paid` is what was paid of each in time, as far as it was counted. One statement, and one more
    for the events of the lender's systems.
    """
    if not promise_ids:
        return 0
    ids = list(promise_ids)
    counted = paid or {}
    rows = connection.execute(
        _MOVE,
        {
            "ids": ids,
            "paid": [counted.get(id) for id in ids],
            "sources": [str(source) for source in sources(PROMISE_MOVES, status)],
            "to": str(status),
            "now": now,
        },
    )
    moved = [outbox_messages.MovedPromise(*row) for row in rows]
    record_events(connection, outbox_messages.of_moved_promises(moved, status), now)
    return len(moved)


def is_due_for_judgement(today: date) -> ColumnElement[bool]:
    """Whether it is known by now if the next part was paid. For a query of `promise`."""
    before = promise.c.judge_on.is_(None) & (promise.c.due_on <= today - timedelta(days=2))
    return or_(promise.c.judge_on <= today, before)


def was_eased() -> ColumnElement[bool]:
    """Whether the lender deferred, waived or replaced what was due while a promise was open: what
    is not past due any more need not be paid. For a query of `promise`."""
    until = func.coalesce(promise.c.completed_at, literal_column("'infinity'::timestamptz"))
    eases = [kind for kind in AdjustmentKind if kind.eases]
    return or_(
        exists().where(
            replaced_schedule.c.loan_id == promise.c.loan_id,
            replaced_schedule.c.recorded_at.between(promise.c.made_at, until),
        ),
        exists().where(
            adjustment.c.loan_id == promise.c.loan_id,
            adjustment.c.recorded_at.between(promise.c.made_at, until),
            adjustment.c.kind.in_(eases),
            adjustment.c.taken_back_on.is_(None),
        ),
    )


class NotPaid(NamedTuple):
    """What came of what a promise was for, besides payments, since it was made."""

    eased: bool
    """Whether the lender deferred, waived or replaced what was due."""
    waived: Decimal
    by_tape: Decimal
    """What tapes showed as paid of which no payment is known."""
    protected: bool
    """Whether a hold of the person protects who promised, and is not the borrower: it began before
    it was known whether the money came, and has not ended."""


def what_else_came(connection: Connection, promise_ids: Sequence[int]) -> Mapping[int, NotPaid]:
    """What came of promises besides payments. One statement, or none without promises."""
    if not promise_ids:
        return {}
    parts = select(func.sum(func.abs(adjustment_part.c.amount))).where(
        adjustment_part.c.adjustment_id == adjustment.c.id
    )
    waived = select(func.sum(func.coalesce(adjustment.c.amount, parts.scalar_subquery()))).where(
        adjustment.c.loan_id == promise.c.loan_id,
        adjustment.c.kind == AdjustmentKind.WAIVER,
        adjustment.c.recorded_at >= promise.c.made_at,
        adjustment.c.taken_back_on.is_(None),
    )
    shown = select(func.sum(paid_by_tape.c.amount)).where(
        paid_by_tape.c.loan_id == promise.c.loan_id,
        paid_by_tape.c.payment_id.is_(None),
        paid_by_tape.c.tape_as_of > cast(promise.c.made_at, Date),
    )
    asked = select(
        promise.c.id,
        was_eased(),
        func.coalesce(waived.scalar_subquery(), 0),
        func.coalesce(shown.scalar_subquery(), 0),
        _is_protected(),
    ).where(promise.c.id.in_(promise_ids))
    return {id: NotPaid(*came) for id, *came in connection.execute(asked)}


def _is_protected() -> ColumnElement[bool]:
    theirs = borrower.alias("theirs")
    known_on = func.coalesce(promise.c.judge_on, promise.c.due_on + 2)
    return exists().where(
        theirs.c.id == promise.c.borrower_id,
        borrower.c.person_id == theirs.c.person_id,
        hold.c.borrower_id == borrower.c.id,
        hold.c.starts_on < known_on,
        hold.c.ends_on.is_(None) | (hold.c.ends_on >= known_on),
    )


def was_judged_withdrawn() -> ColumnElement[bool]:
    """Whether a promise was withdrawn because nothing asked for it any more, and not by somebody:
    then it was counted what was paid of it. For a query of `promise`."""
    return exists().where(
        promise_event.c.promise_id == promise.c.id,
        promise_event.c.to_status == PromiseStatus.WITHDRAWN,
        promise_event.c.paid.is_not(None),
    )


def set_judge_on(connection: Connection, promise_id: int, judge_on: date) -> None:
    """Note from which day on it is known whether the next part of a promise was paid."""
    connection.execute(
        update(promise)
        .where(promise.c.id == promise_id, promise.c.judge_on.is_distinct_from(judge_on))
        .values(judge_on=judge_on)
    )
