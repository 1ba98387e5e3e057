"""COPY: how PostgreSQL loads very many rows."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg2 import sql
from sqlalchemy import Connection

Value = str | int | bytes | Decimal | date | datetime | Sequence[str] | None


def copy_rows(
    connection: Connection,
    table: str,
    rows: Iterable[Sequence[Value]],
    columns: Sequence[str] = (),
) -> None:
    """Append `rows` to `columns` of `table`; by default to all its columns, in their order."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow([_written(value) for value in row])
    buffer.seek(0)
    driver: Any = connection.connection.driver_connection
    target: sql.Composable = sql.Identifier(table)
    if columns:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        target = sql.SQL("{} ({})").format(target, names)
    copy = sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv, NULL '\\N')").format(target)
    with driver.cursor() as cursor:
        cursor.copy_expert(copy, buffer)


def _written(value: Value) -> str | int | Decimal | date | datetime:
    match value:
        case None:
            return "\\N"
        case bytes():
            return "\\x" + value.hex()
        case str() | int() | Decimal() | date():
            return value
        case _:
            return "{" + ",".join(_quoted(word) for word in value) + "}"


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
