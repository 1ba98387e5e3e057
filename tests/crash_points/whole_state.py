"""All that is on record, every row of every table, so that two runs of a day can be compared.

Moments, ids that are drawn at random, and what is encrypted differ from run to run. What has a
number is known by its place among those of its table: a number that was lost with a process leaves
a gap.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Table, select

from domain.reasons import changed_nothing
from workers.db.schema import metadata

WholeState = dict[str, list[str]]
"""The rows of each table, sorted."""

EACH_TIME = frozenset({"access", "free_text", "permission_use"})
"""Whoever looks twice, or asks twice, is on record twice, with why they say they look."""
LEFT_OUT = frozenset({"evidence_due"})
"""What is to be chained of all other rows."""
SAID_AGAIN = frozenset({"said_last"})
"""When something that is known was said again."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:[\d:.]+(Z|[+-]\d\d:?\d\d)?")
_RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/_-]{40,}=*")


def whole_state(connection: Connection) -> WholeState:
    """What is on record. An event that changed nothing is not part of it."""
    tables = [table for name, table in metadata.tables.items() if name not in LEFT_OUT]
    rows = {table.name: _rows(connection, table) for table in tables}
    rows["inbox_event"] = [
        row for row in rows["inbox_event"] if not changed_nothing(row["reason"] or ())
    ]
    places = {
        name: {id: place for place, id in enumerate(sorted(_ids(of_table)), start=1)}
        for name, of_table in rows.items()
    }
    state = {}
    for table in tables:
        said = [_said_of(table, row, places) for row in rows[table.name]]
        state[table.name] = sorted(set(said) if table.name in EACH_TIME else said)
    return state


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [row._asdict() for row in connection.execute(select(table))]


def _ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows if isinstance(row.get("id"), int)]


def _said_of(table: Table, row: Mapping[str, Any], places: dict[str, dict[Any, int]]) -> str:
    unsaid = SAID_AGAIN | ({"id"} if table.name in EACH_TIME else set())
    return ", ".join(
        f"{column.name}={_said(column, row[column.name], places)}"
        for column in table.c
        if row[column.name] is not None and column.name not in unsaid
    )


def _said(column: Column[Any], value: Any, places: dict[str, dict[Any, int]]) -> str:
    match value:
        case datetime():
            return "a moment"
        case UUID():
            return "an id"
        case bytes() | memoryview():
            return "bytes"
        case int() if not isinstance(value, bool) and (known := places.get(_named_by(column))):
            return f"#{known[value]}"
    said = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    return _RANDOM.sub("an id", _MOMENT.sub("a moment", said))


def _named_by(column: Column[Any]) -> str:
    """The table whose row a number is; empty if it is none."""
    if column.name == "id":
        return str(column.table.name)
    if column.name == "event_id":  # it may outlive the event, so it is no foreign key
        return "inbox_event"
    keys = (key.column for key in column.foreign_keys)
    return next((str(key.table.name) for key in keys if key.name == "id"), "")
