"""The loan that is explained, the rows that belong to it, and its reasons as a part of an entry."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, Connection, Select, Table, select

from domain.events import STAFF
from domain.language.phrases import Phrase
from domain.language.render import Part, part
from domain.reasons import Reasons
from workers.db.schema import action, borrower
from workers.db.typed_rows import columns_of


class ExplainedLoan(NamedTuple):
    """The columns of `loan` that a history needs, under their own names."""

    id: int
    external_id: str
    borrower_id: int
    jurisdiction: str
    product: str
    currency: str
    original_principal: Decimal | None
    disbursed_on: date | None
    review_on: date | None
    written_off_on: date | None
    written_off_at: datetime | None
    written_off_by: str | None
    written_off_why_id: UUID | None
    written_off_why: str | None
    steps_tried: Sequence[str]
    steps_tried_at: date | None


def of_loan(
    table: Table, subject: ExplainedLoan, row_type: type[object] | None = None
) -> Select[*tuple[Any, ...]]:
    """The rows of a table that belong to the loan, in their order.

    Each with the fields of `row_type`; without one, with all columns that are not encrypted.
    """
    shown = columns_of(row_type, table) if row_type else _not_encrypted(table)
    return select(*shown).where(table.c.loan_id == subject.id).order_by(*table.primary_key)


def of_actions(
    table: Table, subject: ExplainedLoan, row_type: type[object] | None = None
) -> Select[*tuple[Any, ...]]:
    """The same of a table that belongs to actions; `item` is that of the action."""
    shown = [*_not_encrypted(table), action.c.item]
    return (
        select(*(columns_of(row_type, table, action) if row_type else shown))
        .join(action, action.c.id == table.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(*table.primary_key)
    )


def named(external_id: str, sender: str) -> str:
    """An id as it is shown: with its sender, for several senders may have given the same id. One of
    the staff stands alone."""
    return external_id if sender == STAFF else f"{external_id} [{sender}]"


def _not_encrypted(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if not column.name.endswith("_encrypted")]


def why(reason: Reasons) -> tuple[Part, ...]:
    """The reasons as one part of an entry; nothing where there are none."""
    return (part(Phrase.WHY, reason=reason),) if reason else ()


def said_by_other(connection: Connection, record: int | None) -> Iterator[Part]:
    """That who has this record said it, and not the borrower; nothing without one."""
    if record is not None:
        of_record = select(borrower.c.external_id).where(borrower.c.id == record)
        yield part(Phrase.SAID_BY_OTHER, other=connection.execute(of_record).scalar_one())


def by_whom_and_why(actor: str | None, why: UUID | str | None = None) -> Iterator[Part]:
    """Who recorded something and why, as far as it is known: `why` is the id of what they typed."""
    if actor:
        yield part(Phrase.RECORDED_BY, actor=actor)
    if why:
        yield part(Phrase.THEY_SAID_WHY, why=why)
