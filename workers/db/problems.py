"""Problems of loans: recorded while they last, and shown to operators."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, any_, cast, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from domain.reasons import Reasons
from workers.db.schema import problem

NO_LADDER = "no_ladder"
TAPE_SHOWS_LESS = "tape_shows_less_paid"

TAPE_PROBLEMS = (
    *("phone_missing", "phone_invalid", "address_missing", "zone_missing", "contacts_differ"),
    *(NO_LADDER, TAPE_SHOWS_LESS),
)
"""Problems that the next tape resolves if it does not show them again."""


def note_problem(
    connection: Connection, loan_id: int, kind: str, detail: Reasons, now: datetime
) -> None:
    """Record a problem; one of this kind that is open already stays as it is."""
    connection.execute(
        insert(problem)
        .values(loan_id=loan_id, kind=kind, detail=detail, found_at=now)
        .on_conflict_do_nothing()
    )


def resolve_problems(
    connection: Connection, loan_ids: Sequence[int], kinds: tuple[str, ...], now: datetime
) -> None:
    """Close the open problems of these kinds of these loans."""
    if not loan_ids:
        return
    connection.execute(
        update(problem)
        .where(
            problem.c.loan_id == any_(cast(list(loan_ids), ARRAY(BigInteger))),
            problem.c.kind.in_(kinds),
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )
