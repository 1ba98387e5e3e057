"""COPY: how PostgreSQL loads very many rows."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg2 import sql
from sqlalchemy import Connection

Value = str | int | bytes | Decimal | date | datetime | Sequence[str] | Sequence[int] | None

_ESCAPED = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def copy_rows(
    connection: Connection,
    table: str,
    rows: Iterable[Sequence[Value]],
    columns: Sequence[str] = (),
) -> None:
    """Append `rows` to `columns` of `table`; by default to all its columns, in their order."""
    copy_text(connection, table, "".join(map(copy_line, rows)).encode(), columns)


def copy_text(
    connection: Connection, table: str, written: bytes, columns: Sequence[str] = ()
) -> None:
    """The same with rows that `copy_line` has written."""
    driver: Any = connection.connection.dbapi_connection
    target: sql.Composable = sql.Identifier(table)
    if columns:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        target = sql.SQL("{} ({})").format(target, names)
    with driver.cursor() as cursor:
        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(target), io.BytesIO(written))


def copy_line(row: Iterable[Value]) -> str:
    """A row as COPY reads it, with the end of the line."""
    return "\t".join(map(copy_value, row)) + "\n"


def copy_value(value: Value) -> str:
    """One value as COPY reads it."""
    match value:
        case str():
            return value.translate(_ESCAPES) if _ESCAPED.search(value) else value
        case None:
            return r"\N"
        case bytes():
            return r"\\x" + value.hex()
        case int() | Decimal() | date():
            return str(value)
        case _:
            return ("{" + ",".join(map(_quoted, value)) + "}").translate(_ESCAPES)


def _quoted(word: str | int) -> str:
    return '"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"'
