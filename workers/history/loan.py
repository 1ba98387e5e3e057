"""The loan that is explained, the rows that belong to it, and its reasons as a part of an entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Select, Table, select

from domain.language.phrases import Phrase
from domain.language.render import Part, part
from domain.reasons import Reasons
from workers.db.schema import action


class ExplainedLoan(NamedTuple):
    """The columns of `loan` that a history needs, under their own names."""

    id: int
    external_id: str
    borrower_id: int
    jurisdiction: str
    product: str
    currency: str
    review_on: date | None
    written_off_on: date | None
    written_off_at: datetime | None
    steps_tried: Sequence[str]
    steps_tried_at: date | None


def of_loan(table: Table, subject: ExplainedLoan) -> Select[*tuple[Any, ...]]:
    """The rows of a table that belong to the loan, in their order. No encrypted column."""
    return _rows(table).where(table.c.loan_id == subject.id)


def of_actions(
    table: Table, subject: ExplainedLoan, *columns: Column[Any]
) -> Select[*tuple[Any, ...]]:
    """The rows of a table that belong to the loan's actions, in their order, with their items.

    Only `columns`, if some are named; no encrypted column otherwise.
    """
    return (
        _rows(table, *columns)
        .add_columns(action.c.item)
        .join(action, action.c.id == table.c.action_id)
        .where(action.c.loan_id == subject.id)
    )


def _rows(table: Table, *columns: Column[Any]) -> Select[*tuple[Any, ...]]:
    shown = columns or [c for c in table.c if not c.name.endswith("_encrypted")]
    return select(*shown).order_by(*table.primary_key)


def why(reason: Reasons) -> tuple[Part, ...]:
    """The reasons as one part of an entry; nothing where there are none."""
    return (part(Phrase.WHY, reason=reason),) if reason else ()
