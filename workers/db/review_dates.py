"""The position of each loan: since when it is delinquent, since when its ladder counts, and its
review date.

Only this module writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, exists, func, select, update

from domain.actions import WAITING
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.prepared_statements import prepared
from workers.db.schema import action, loan


@dataclass(frozen=True, slots=True)
class Position:
    """The position of one loan, after the last change of its facts."""

    loan_id: int
    delinquent_since: date | None
    ladder_since: date | None
    review_on: date | None


_NEW_POSITIONS = as_rows(
    loan.c[name] for name in ("id", "review_on", "delinquent_since", "ladder_since")
)
_SET = prepared(
    update(loan)
    .where(is_among(loan.c.id, "of_loans"), loan.c.id == _NEW_POSITIONS.c.id)
    .values(
        review_on=_NEW_POSITIONS.c.review_on,
        delinquent_since=_NEW_POSITIONS.c.delinquent_since,
        ladder_since=_NEW_POSITIONS.c.ladder_since,
        quarantined_until=None,
        updated_at=bindparam("now"),
    )
)


_WAITS = action.alias("waits")


def review_what_waits(
    connection: Connection, action_ids: Sequence[int], on: date, now: datetime
) -> None:
    """Let the loans of these actions be reviewed on this day at the latest, if anything of theirs
    waits. One statement, which waits for nobody.

    What waits may rely on them. A loan that somebody has locked is passed over: the claim of what
    relies on them asks for its review too.
    """
    of_actions = select(action.c.loan_id).where(action.c.id.in_(action_ids))
    is_later = func.coalesce(loan.c.review_on, "infinity") > on
    waits = exists().where(_WAITS.c.loan_id == loan.c.id, _WAITS.c.status.in_(WAITING))
    unlocked = (
        select(loan.c.id)
        .where(loan.c.id.in_(of_actions), is_later, waits)
        .order_by(loan.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    connection.execute(
        update(loan).where(loan.c.id.in_(unlocked)).values(review_on=on, updated_at=now)
    )


def set_positions(connection: Connection, positions: Sequence[Position], now: datetime) -> None:
    """Write the positions of loans and end their quarantine. One statement."""
    rows = [
        {
            "id": p.loan_id,
            "review_on": p.review_on,
            "delinquent_since": p.delinquent_since,
            "ladder_since": p.ladder_since,
        }
        for p in positions
    ]
    of_loans = [p.loan_id for p in positions]
    connection.execute(_SET, {"now": now, "of_loans": of_loans, **given_rows(rows)})
