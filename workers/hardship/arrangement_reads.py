"""Arrangements as people see them: lists, and one with its quote and what is paid of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, false, func, select

from domain.arrangements import OPEN, ArrangementKind, ArrangementStatus, AskedBy
from domain.errors import RefusedError
from domain.events import NotAppliedError
from domain.language.speak import speak
from domain.loans import Instalment
from domain.permissions import Permission
from workers.access.may_handle import assert_may_read, of_loan_id, readable
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.arrangements import Arrangement, days_of, paid_of
from workers.db.pages import (
    ALL,
    Asked,
    Listing,
    Page,
    assert_of,
    count_rows,
    maker,
    of_loan,
    read_page,
)
from workers.db.schema import arrangement, loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.hardship.arrangements import found

MOST_ROWS = 1_000
_FAR = date(9999, 1, 1)
"""What has no deadline comes last."""


class ListedArrangement(NamedTuple):
    """An arrangement in a list."""

    arrangement: str
    sender: str
    loan: str
    status: str
    kind: str | None
    asked_by: str
    requested_at: datetime
    answer_by: date | None
    """Of a request that waits: the last day on which an answer is in time."""
    valid_until: date | None
    """Of an offer that waits: the last day on which it can be accepted."""
    currency: str
    to_pay_after: Decimal | None
    missed: int
    review_on: date | None


@dataclass(frozen=True, slots=True)
class OpenArrangement:
    """An open arrangement as a list shows it: without amounts and personal data."""

    arrangement: str
    """The lender's own id of it."""
    sender: str
    """Who gave it that id."""
    loan: str
    status: ArrangementStatus
    kind: ArrangementKind | None
    """Not said yet: null."""
    asked_by: AskedBy
    asked_in: str | None
    """The id of the text, the attempt, the letter or the form."""
    requested_at: datetime
    """In the lender's zone."""
    answer_by: date | None
    """Of a request that waits: the last day on which an answer is in time."""
    late: bool
    """Whether that is over, and nobody has answered."""
    lapses_on: date | None
    """Of a request that waits: without an answer it has lapsed from then on."""
    valid_until: date | None
    """Of an offer that waits: the last day on which it can be accepted."""
    confirm_by: date | None
    """Of an accepted one: until then nobody is contacted while the ledger has not answered."""
    missed: int
    """How many instalments are missed now."""


class ShownArrangement(NamedTuple):
    """One arrangement with all that is known of it."""

    loan: str
    arrangement: Arrangement
    due_on: Sequence[date]
    paid: Sequence[Instalment]
    """Once it is active: what the loan's schedule says of these days."""


@permitted(Permission.READ_LOANS)
def list_arrangements(
    connection: Connection, ctx: Context, *, of_loan: str | None = None, limit: int = MOST_ROWS
) -> list[ListedArrangement]:
    """The open arrangements, those first that wait longest; or all of one loan, with those that
    have ended. Those of people whom whoever reads must not handle are left out."""
    which = arrangement.c.status.in_(OPEN) if of_loan is None else loan.c.external_id == of_loan
    listed = (
        select(
            *columns_of(
                ListedArrangement,
                arrangement,
                loan,
                arrangement=arrangement.c.external_id,
                loan=loan.c.external_id,
                answer_by=_while(ArrangementStatus.REQUESTED, arrangement.c.answer_by),
                valid_until=_while(ArrangementStatus.OFFERED, arrangement.c.valid_until),
            )
        )
        .join(loan, loan.c.id == arrangement.c.loan_id)
        .where(which, *readable(ctx.actor, loan.c.borrower_id))
        .order_by(arrangement.c.requested_at, arrangement.c.id)
        .limit(limit)
    )
    return typed_rows(ListedArrangement, connection.execute(listed), ctx.now().tzinfo)


@permitted(Permission.READ_LOANS)
def open_arrangements(
    connection: Connection, ctx: Context, asked: Asked = ALL
) -> Page[OpenArrangement]:
    """The open arrangements by status: requests first, what is late or late soonest before others.
    Those of people whom whoever reads must not handle are left out.

    Raises:
        ArrearsError: the page is of another list.
    """
    assert_of(("arrangements",), asked)
    waits = arrangement.c.status == ArrangementStatus.REQUESTED
    answer_by = _while(ArrangementStatus.REQUESTED, arrangement.c.answer_by)
    late = waits & func.coalesce(arrangement.c.answer_by < ctx.today(), false())
    rows = (
        select(
            *columns_of(
                OpenArrangement,
                arrangement,
                arrangement=arrangement.c.external_id,
                loan=loan.c.external_id,
                late=late,
                answer_by=answer_by,
                lapses_on=_while(ArrangementStatus.REQUESTED, arrangement.c.lapses_on),
                valid_until=_while(ArrangementStatus.OFFERED, arrangement.c.valid_until),
                confirm_by=_while(ArrangementStatus.ACCEPTED, arrangement.c.confirm_by),
            )
        )
        .join(loan, loan.c.id == arrangement.c.loan_id)
        .where(
            arrangement.c.status.in_(OPEN),
            *([arrangement.c.status == asked.kind] if asked.kind else ()),
            *of_loan(arrangement.c.loan_id, asked),
            *readable(ctx.actor, loan.c.borrower_id),
        )
    )
    order = (~waits, func.coalesce(answer_by, _FAR), arrangement.c.id)
    zone = ctx.settings.lender_zone
    counts = count_rows(rows, arrangement.c.status)
    listing = Listing("arrangements", rows, order, maker(OpenArrangement, zone), counts)
    return read_page(connection, listing, asked)


def _while(status: ArrangementStatus, day: ColumnElement[date]) -> ColumnElement[date]:
    """A day, only while the arrangement has this status: before and after it means nothing."""
    return case((arrangement.c.status == status, day))


def loan_of_arrangement(connection: Connection, name: str, sender: str | None = None) -> str:
    """The lender's id of the loan of an arrangement. `sender` says whose id of it that is.

    Raises:
        RefusedError: the arrangement is not known.
    """
    try:
        stored = found(connection, name, sender)
    except NotAppliedError as unknown:
        raise RefusedError(speak(unknown.reason), unknown.reason) from None
    of_loan = select(loan.c.external_id).where(loan.c.id == stored.loan_id)
    external_id: str = connection.execute(of_loan).scalar_one()
    return external_id


@permitted(Permission.READ_LOANS)
def read_arrangement(
    connection: Connection, ctx: Context, name: str, *, sender: str | None = None
) -> ShownArrangement:
    """One arrangement by its id. `sender` says whose id it is, if several senders have given it.

    Raises:
        RefusedError: it is not known, or whoever reads must not handle the borrower.
    """
    try:
        stored = found(connection, name, sender)
    except NotAppliedError as unknown:
        raise RefusedError(speak(unknown.reason), unknown.reason) from None
    assert_may_read(connection, ctx.actor, of_loan_id(stored.loan_id))
    named = select(loan.c.external_id).where(loan.c.id == stored.loan_id)
    return ShownArrangement(
        connection.execute(named).scalar_one(),
        stored,
        days_of(connection, stored.id) if stored.quote else (),
        paid_of(connection, stored) if stored.confirmed_at else (),
    )
