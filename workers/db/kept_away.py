"""Who may not work for whom: the one description of what `must_not_handle` says.

It is a row for a record. It counts for the person behind that record, by all their records.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select

from workers.db.schema import borrower, staff
from workers.db.schema import must_not_handle as barred

_IN_FORCE = (
    select(barred.c.staff_id, borrower.c.person_id)
    .join(borrower, borrower.c.id == barred.c.borrower_id)
    .where(barred.c.ended_at.is_(None))
)

kept_away = _IN_FORCE.subquery("kept_away")
"""Pairs of `staff_id` and `person_id`, for queries."""

KEPT_AWAY = f"({_IN_FORCE}) AS kept_away"
"""The same for statements that are written as text."""


def kept_away_from(connection: Connection, borrower_id: int) -> frozenset[str]:
    """The staff references of whoever may not work for the person behind a record."""
    found = connection.execute(
        select(staff.c.external_id)
        .join(kept_away, kept_away.c.staff_id == staff.c.id)
        .join(borrower, borrower.c.person_id == kept_away.c.person_id)
        .where(borrower.c.id == borrower_id)
    )
    return frozenset(found.scalars())


def is_kept_away(staff_id: Any, person_id: Any) -> ColumnElement[bool]:
    """Whether a member of staff may not work for a person, by the columns that name them."""
    return exists(
        select(kept_away.c.staff_id)
        .where(kept_away.c.staff_id == staff_id, kept_away.c.person_id == person_id)
        .correlate_except(kept_away)
    )


def is_kept_away_from(reference: str, borrower_id: Any) -> ColumnElement[bool]:
    """The same by a staff reference, and by the column or the query that names a record."""
    who, record = staff.alias("kept_staff"), borrower.alias("kept_record")
    return exists(
        select(kept_away.c.staff_id)
        .join(who, who.c.id == kept_away.c.staff_id)
        .join(record, record.c.person_id == kept_away.c.person_id)
        .where(who.c.external_id == reference, record.c.id == borrower_id)
        .correlate_except(kept_away, who, record)
    )


def is_kept_away_sql(staff_id: str, person_id: str) -> str:
    """The same for statements that are written as text, by the expressions that name them."""
    return (
        f"EXISTS (SELECT FROM {KEPT_AWAY} "
        f"WHERE kept_away.staff_id = {staff_id} AND kept_away.person_id = {person_id})"
    )
