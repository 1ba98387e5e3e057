"""Taking the next rows of a table, so that two who take at the same moment take different ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Update, any_, func, or_, select, update


def update_first(
    table: Table,
    which: ColumnElement[bool],
    order_by: Sequence[ColumnElement[Any]],
    limit: int | None = None,
) -> Update:
    """An update, its values still to be given, of the first `limit` rows that nobody has locked.

    Without a limit, of all that nobody has locked.
    """
    first = (
        select(table.c.id)
        .where(which)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    # As an array, so that the planner looks each one up: as a subquery it may read the whole table.
    return update(table).where(table.c.id == any_(func.array(first)))


def not_dispatched_since(dispatched_at: Column[Any], before: datetime) -> ColumnElement[bool]:
    """Not announced yet, or longer ago than `before`: then its message must have been lost."""
    return or_(dispatched_at.is_(None), dispatched_at < before)
