"""Where each loan stands: its anchor and its review date. The only writer of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, update

from workers.store.rows import as_rows, given_rows, one_of
from workers.store.schema import loan


@dataclass(frozen=True, slots=True)
class Position:
    """One loan's place on its ladder, as of the last change of its facts."""

    loan_id: int
    anchor_on: date | None
    review_on: date | None


_GIVEN = as_rows((loan.c.id, loan.c.review_on, loan.c.anchor_on))
_SET = (
    update(loan)
    .where(one_of(loan.c.id, "of_loans"), loan.c.id == _GIVEN.c.id)
    .values(
        review_on=_GIVEN.c.review_on,
        anchor_on=_GIVEN.c.anchor_on,
        put_aside_until=None,
        updated_at=bindparam("now"),
    )
)


def set_positions(connection: Connection, positions: Sequence[Position], now: datetime) -> None:
    """Write positions, for loans that could be decided. One statement."""
    rows = [
        {"id": p.loan_id, "review_on": p.review_on, "anchor_on": p.anchor_on} for p in positions
    ]
    of_loans = [p.loan_id for p in positions]
    connection.execute(_SET, {"now": now, "of_loans": of_loans, **given_rows(rows)})
