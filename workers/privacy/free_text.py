"""What people typed about a loan or a person: the reasons that they gave, in words of their own.

They are asked to write words that identify nobody. So these are not encrypted; but nobody checks
what they write, and so an erasure empties them. They are not hashed: the chain of evidence stays
whole.
"""

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Connection, Text, cast, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from domain.events import InboxStatus, Named
from workers.db.inbox import payload_value
from workers.db.schema import (
    adjustment,
    hold,
    inbox_event,
    loan,
    past_write_off,
    problem,
    replaced_event,
    replaced_schedule,
    same_person_change,
)

WHY = "why"
"""Event payloads have such words under this name."""

OF_LOANS: tuple[Column[str | None], ...] = (
    adjustment.c.why,
    hold.c.why,
    loan.c.written_off_why,
    past_write_off.c.taken_back_why,
    past_write_off.c.written_off_why,
    problem.c.why,
    replaced_schedule.c.why,
)
"""Of rows that belong to a loan."""

OF_PERSONS: tuple[Column[str | None], ...] = (hold.c.why, same_person_change.c.why)
"""Of rows that belong to a customer record."""

OF_THE_HOUSE = frozenset({"sending_hold.why", "recovery_step.why", "break_glass.why"})
"""About no loan and no person."""


def erase_free_text(connection: Connection, borrower_ids: Sequence[int]) -> None:
    """Empty what people typed about these locked borrowers and their loans.

    An event that was applied is pruned after a while (`prune`), long before an erasure is due.
    """
    loans = select(loan.c.id).where(loan.c.borrower_id.in_(borrower_ids))
    for column in OF_LOANS:
        rows = column.table.c.id if column.table is loan else column.table.c.loan_id
        _empty(connection, column, rows.in_(loans))
    for column in OF_PERSONS:
        records = (
            column.table.c[name] for name in ("borrower_id", "other_id") if name in column.table.c
        )
        _empty(connection, column, or_(*(record.in_(borrower_ids) for record in records)))
    named = select(loan.c.external_id).where(loan.c.borrower_id.in_(borrower_ids))
    # One that waits stays as it is: it may still be applied.
    events = select(inbox_event.c.id).where(
        inbox_event.c.status != InboxStatus.APPLIED,
        inbox_event.c.status != InboxStatus.RECEIVED,
        payload_value(inbox_event, Named.LOAN).in_(named),
    )
    for event_id in (inbox_event.c.id, replaced_event.c.event_id):
        payload = event_id.table.c.payload
        without_why = payload.op("-", return_type=JSONB())(cast(WHY, Text))
        connection.execute(
            update(event_id.table)
            .where(event_id.in_(events), payload.has_key(WHY))
            .values(payload=without_why)
        )


def _empty(connection: Connection, column: Column[str | None], rows: ColumnElement[bool]) -> None:
    connection.execute(update(column.table).where(rows, column.is_not(None)).values({column: None}))
