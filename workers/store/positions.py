"""Where each loan stands: its anchor and its review date. The only writer of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, update

from workers.store.rows import as_rows
from workers.store.schema import loan


@dataclass(frozen=True, slots=True)
class Position:
    """One loan's place on its ladder, as of the last change of its facts."""

    loan_id: int
    anchor_on: date | None
    review_on: date | None


def set_positions(connection: Connection, positions: Sequence[Position], now: datetime) -> None:
    """Write positions, for loans that could be decided. One statement."""
    given = as_rows(
        (loan.c.id, loan.c.review_on, loan.c.anchor_on),
        [{"id": p.loan_id, "review_on": p.review_on, "anchor_on": p.anchor_on} for p in positions],
    )
    connection.execute(
        update(loan)
        .where(loan.c.id == given.c.id)
        .values(
            review_on=given.c.review_on,
            anchor_on=given.c.anchor_on,
            put_aside_until=None,
            updated_at=now,
        )
    )
