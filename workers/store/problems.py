"""Defects of the data: on record while they last, and seen by operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, any_, cast, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from workers.store.schema import problem


def note_problem(
    connection: Connection, loan_id: int, kind: str, detail: str, now: datetime
) -> None:
    """Put a problem on record; one that is open already stays as it is."""
    connection.execute(
        insert(problem)
        .values(loan_id=loan_id, kind=kind, detail=detail, found_at=now)
        .on_conflict_do_nothing()
    )


def resolve_problems(
    connection: Connection, loan_ids: Sequence[int], kind: str, now: datetime
) -> None:
    """Close the open problems of this kind of these loans."""
    connection.execute(
        update(problem)
        .where(
            problem.c.loan_id == any_(cast(list(loan_ids), ARRAY(BigInteger))),
            problem.c.kind == kind,
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )
