"""Arrangements as people see them: lists, and one with its quote and what is paid of it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.arrangements import OPEN
from domain.errors import RefusedError
from domain.events import NotAppliedError
from domain.language.speak import speak
from domain.loans import Instalment
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.arrangements import Arrangement, days_of, paid_of
from workers.db.schema import arrangement, loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.hardship.arrangements import found

MOST_ROWS = 1_000


class ListedArrangement(NamedTuple):
    """An arrangement in a list."""

    arrangement: str
    sender: str
    loan: str
    status: str
    kind: str | None
    asked_by: str
    requested_at: datetime
    valid_until: date | None
    currency: str
    to_pay_after: Decimal | None
    missed: int
    review_on: date | None


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
    have ended."""
    which = arrangement.c.status.in_(OPEN) if of_loan is None else loan.c.external_id == of_loan
    listed = (
        select(
            *columns_of(
                ListedArrangement,
                arrangement,
                loan,
                arrangement=arrangement.c.external_id,
                loan=loan.c.external_id,
            )
        )
        .join(loan, loan.c.id == arrangement.c.loan_id)
        .where(which)
        .order_by(arrangement.c.requested_at, arrangement.c.id)
        .limit(limit)
    )
    return typed_rows(ListedArrangement, connection.execute(listed), ctx.now().tzinfo)


@permitted(Permission.READ_LOANS)
def read_arrangement(
    connection: Connection, ctx: Context, name: str, *, sender: str | None = None
) -> ShownArrangement:
    """One arrangement by its id. `sender` says whose id it is, if several senders have given it.

    Raises:
        RefusedError: it is not known.
    """
    try:
        stored = found(connection, name, sender)
    except NotAppliedError as unknown:
        raise RefusedError(speak(unknown.reason), unknown.reason) from None
    of_loan = select(loan.c.external_id).where(loan.c.id == stored.loan_id)
    return ShownArrangement(
        connection.execute(of_loan).scalar_one(),
        stored,
        days_of(connection, stored.id) if stored.quote else (),
        paid_of(connection, stored) if stored.confirmed_at else (),
    )
