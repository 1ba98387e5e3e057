"""Take the next rows of a table, so that two processes at the same time take different rows."""

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
    """An update, still without values, of the first `limit` unlocked rows; None: of all.

    `order_by` says which rows are taken; PostgreSQL returns them in any order.
    """
    first = (
        select(table.c.id)
        .where(which)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    # With an array the planner uses the index; with a subquery it may read the whole table.
    return update(table).where(table.c.id == any_(func.array(first)))


def not_dispatched_since(dispatched_at: Column[Any], before: datetime) -> ColumnElement[bool]:
    """Not published yet, or before `before`: then its message must have been lost."""
    return or_(dispatched_at.is_(None), dispatched_at < before)
