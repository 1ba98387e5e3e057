"""Many rows in one statement: a list of dicts is one JSON parameter.

Statements are built once, because to build one takes longer than to run a small one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from domain.reason_json import stored_reason
from domain.reasons import Reason
from workers.db.prepared_statements import prepared


def as_rows(columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """A table of the rows that `given_rows` passes at execution.

    It has the names and types of `columns`. Any number of rows is one statement and one round trip;
    dates, moments, amounts and lists of words keep their types.
    """
    return (
        func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
        .table_valued(*(column(c.name, c.type) for c in columns))
        .render_derived(name="given", with_types=True)
    )


def is_among(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    """Whether a column is one of the values of an array that is passed at execution.

    The planner knows the length of an array and uses the index. It cannot estimate the number of
    rows of `as_rows`, and may read a whole table for a few of them.
    """
    return column == any_(cast(bindparam(parameter), ARRAY(column.type)))


def is_one_of(column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column is one of these values, which are one parameter however many they are."""
    return column == any_(literal(sorted(values), ARRAY(column.type)))


def given_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of a statement that selects from `as_rows`."""
    return {"rows": as_json(rows)}


def as_json(value: Any) -> str:
    """JSON in which dates, moments, amounts, ids and bytes are strings that PostgreSQL can read.

    Reasons get the short form in which tables have them.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return rf"\x{value.hex()}"
    return stored_reason(value) if isinstance(value, Reason) else str(value)


@cache
def _inserting(
    table: Table, names: tuple[str, ...], returning: tuple[str, ...], known_by: tuple[str, ...]
) -> Executable:
    """The insert of rows that are passed at execution, with exactly these columns."""
    given = as_rows(table.c[name] for name in names)
    statement = insert(table).from_select(list(names), select(given))
    if known_by:
        statement = statement.on_conflict_do_nothing(index_elements=known_by)
    if returning:
        return prepared(statement.returning(*(table.c[name] for name in returning)))
    return prepared(statement)


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: tuple[str, ...] = (),
    known_by: tuple[str, ...] = (),
) -> CursorResult[Any]:
    """Insert `rows`, at least one, which all have the same keys. One statement.

    The result has the columns `returning` of the inserted rows, in no order. With `known_by`, the
    names of unique columns, rows that exist already are left out.
    """
    statement = _inserting(table, tuple(rows[0]), returning, known_by)
    return connection.execute(statement, given_rows(rows))
