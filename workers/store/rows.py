"""Many rows in one statement: a list of dicts goes over as one JSON parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Insert,
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


def as_rows(columns: Iterable[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> TableValuedAlias:
    """`rows` as something to select from, with the names and types of `columns`.

    One statement and one round trip however many rows there are; dates, moments, amounts and lists
    of words keep their types.
    """
    given = cast(bindparam(None, json.dumps(rows, default=str), Text), JSON)
    return (
        func.json_to_recordset(given)
        .table_valued(*(column(c.name, c.type) for c in columns))
        .render_derived(name="given", with_types=True)
    )


def insert_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Insert `rows`, all of which have the same keys, into `table`."""
    columns = [table.c[name] for name in rows[0]]
    given = as_rows(columns, rows)
    return insert(table).from_select([c.name for c in columns], select(given))
