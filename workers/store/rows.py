"""Many rows in one statement: a list of dicts goes over as one JSON parameter.

Statements are built once, not for each use: to build one costs more than a small one takes to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    CursorResult,
    Executable,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)


def as_rows(columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """The rows that are given at execution with `given_rows`, as something to select from.

    They have the names and types of `columns`. One statement and one round trip however many rows
    there are; dates, moments, amounts and lists of words keep their types.
    """
    return (
        func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
        .table_valued(*(column(c.name, c.type) for c in columns))
        .render_derived(name="given", with_types=True)
    )


def given_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of a statement that selects from `as_rows`."""
    return {"rows": as_json(rows)}


def as_json(value: Any) -> str:
    """JSON in which dates, moments, amounts and ids are words, as PostgreSQL reads them."""
    return orjson.dumps(value, default=str).decode()


@cache
def _inserting(table: Table, names: tuple[str, ...], returning: tuple[str, ...]) -> Executable:
    """The insert of rows given at execution, all of which have exactly these columns."""
    given = as_rows(table.c[name] for name in names)
    statement = insert(table).from_select(list(names), select(given))
    if not returning:
        return statement
    return statement.returning(*(table.c[name] for name in returning))


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: tuple[str, ...] = (),
) -> CursorResult[Any]:
    """Insert `rows`, at least one, all of which have the same keys. One statement.

    The result has the columns `returning` of what was inserted, in no order.
    """
    statement = _inserting(table, tuple(rows[0]), returning)
    return connection.execute(statement, given_rows(rows))
