"""When something was last said of a person or of a number: what is said again is recorded once."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, func
from sqlalchemy.dialects.postgresql import Insert


def last_said(table: Table) -> ColumnElement[datetime]:
    """When what a row says was said last: at `since`, or again after that."""
    return func.greatest(table.c.since, table.c.said_last)


def note_word(connection: Connection, table: Table, rows: Insert) -> bool:
    """Insert what was said; False if all of it is on record.

    What is on record stays, and keeps the moment at which it was said again. So an end from before
    that moment, which is applied late, does not end it.
    """
    once = next(index for index in table.indexes if index.name == f"{table.name}_once")
    noted = rows.on_conflict_do_update(
        constraint=once,
        set_={"said_last": rows.excluded.since},
        where=rows.excluded.since > last_said(table),
    ).returning(table.c.said_last.is_(None))
    return any(connection.execute(noted).scalars().all())
