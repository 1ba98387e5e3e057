"""What people typed about a loan or a person: deleted by an erasure.

The words are encrypted in `free_text`, apart from the rows that they are about, and in events until
these are applied. Columns in which an earlier release stored them unencrypted are emptied, too;
they are not hashed: the chain of evidence stays whole.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Text, cast, or_, select, true, update
from sqlalchemy.dialects.postgresql import JSONB

from domain.events import InboxStatus, Named
from workers.db.free_text import KEPT_ELSEWHERE_KEYS, erase_words
from workers.db.inbox import OF_PERSONAL_INDEX, payload_value
from workers.db.persons import may_mean_record
from workers.db.schema import (
    adjustment,
    borrower,
    free_text,
    hold,
    inbox_event,
    loan,
    past_write_off,
    problem,
    replaced_event,
    replaced_schedule,
    same_person_change,
)

OF_LOANS: tuple[Column[str | None], ...] = (
    adjustment.c.why,
    hold.c.why,
    loan.c.written_off_why,
    past_write_off.c.taken_back_why,
    past_write_off.c.written_off_why,
    problem.c.why,
    replaced_schedule.c.why,
)
"""Where an earlier release stored them, of rows that belong to a loan."""

OF_PERSONS: tuple[Column[str | None], ...] = (hold.c.why, same_person_change.c.why)
"""Of rows that belong to a customer record."""

OF_THE_HOUSE = frozenset({"sending_hold.why", "recovery_step.why", "break_glass.why"})
"""About no loan and no person."""


def erase_free_text(connection: Connection, borrower_ids: Sequence[int]) -> None:
    """Delete what people typed about these locked borrowers and their loans."""
    loans = select(loan.c.id).where(loan.c.borrower_id.in_(borrower_ids))
    erase_words(connection, loans=loans, borrower_ids=borrower_ids)
    _erase_of_pairs(connection, borrower_ids)
    for column in OF_LOANS:
        rows = column.table.c.id if column.table is loan else column.table.c.loan_id
        _empty(connection, column, rows.in_(loans))
    for column in OF_PERSONS:
        _empty(connection, column, _of_records(column, borrower_ids))
    _empty_events(connection, borrower_ids)


def _erase_of_pairs(connection: Connection, borrower_ids: Sequence[int]) -> None:
    """What was typed about two records goes with either of them."""
    change = same_person_change.c
    of_pairs = select(change.why_id).where(
        _of_records(change.why, borrower_ids), change.why_id.is_not(None)
    )
    ids = list(connection.execute(of_pairs).scalars())
    if ids:
        connection.execute(free_text.delete().where(free_text.c.id.in_(ids)))


def _of_records(column: Column[str | None], ids: Sequence[int]) -> ColumnElement[bool]:
    """The rows of its table that are about one of these records."""
    records = (
        column.table.c[name] for name in ("borrower_id", "other_id") if name in column.table.c
    )
    return or_(*(record.in_(ids) for record in records))


def _empty_events(connection: Connection, borrower_ids: Sequence[int]) -> None:
    """Empty the events that were refused or discarded.

    An applied one has no such words any more. One that waits stays as it is: it may still be
    applied.
    """
    completed = (
        inbox_event.c.status != InboxStatus.APPLIED,
        inbox_event.c.status != InboxStatus.RECEIVED,
    )
    named = select(loan.c.external_id).where(loan.c.borrower_id.in_(borrower_ids))
    ids = set(
        connection.execute(
            select(inbox_event.c.id).where(
                *completed, payload_value(inbox_event, Named.LOAN).in_(named)
            )
        ).scalars()
    )
    # As the partial indexes write it.
    for name, which in (
        (Named.BORROWER, inbox_event.c.kind.not_in(OF_PERSONAL_INDEX)),
        (Named.OTHER, true()),
    ):
        value = payload_value(inbox_event, name)
        theirs = may_mean_record(borrower, value) & borrower.c.id.in_(borrower_ids)
        about = select(inbox_event.c.id).where(*completed, which, value.is_not(None), theirs)
        ids.update(connection.execute(about).scalars())
    if not ids:
        return
    for event_id in (inbox_event.c.id, replaced_event.c.event_id):
        payload = event_id.table.c.payload
        without = without_words(payload)
        connection.execute(
            update(event_id.table)
            .where(event_id.in_(ids), or_(*(payload.has_key(key) for key in KEPT_ELSEWHERE_KEYS)))
            .values(payload=without)
        )


def without_words(payload: ColumnElement[Any]) -> ColumnElement[Any]:
    """The payload of an event without what a person typed."""
    for key in KEPT_ELSEWHERE_KEYS:
        payload = payload.op("-", return_type=JSONB())(cast(key, Text))
    return payload


def _empty(connection: Connection, column: Column[str | None], rows: ColumnElement[bool]) -> None:
    connection.execute(update(column.table).where(rows, column.is_not(None)).values({column: None}))
