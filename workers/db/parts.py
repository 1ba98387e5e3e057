"""What a payment pays, or an adjustment changes: parts, each of a component of an instalment."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, any_, cast, delete
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT

from workers.db.bulk import insert_rows


def insert_parts(
    connection: Connection, table: Table, parts_of: Mapping[int, Sequence[Any]]
) -> None:
    """Insert the parts of new rows, by the ids of these rows. One statement, or none.

    The first column of `table` is the id; a part has the others as attributes of the same names.
    """
    id_column, *columns = map(str, table.c.keys())
    rows = [
        {id_column: id, **{name: getattr(part, name) for name in columns}}
        for id, parts in parts_of.items()
        for part in parts
    ]
    if rows:
        insert_rows(connection, table, rows)


def replace_parts(
    connection: Connection, table: Table, parts_of: Mapping[int, Sequence[Any]]
) -> None:
    """Replace the parts of rows, by the ids of these rows. Two statements, or none."""
    if parts_of:
        ids = cast(list(parts_of), ARRAY(BIGINT))
        connection.execute(delete(table).where(next(iter(table.c)) == any_(ids)))
        insert_parts(connection, table, parts_of)
