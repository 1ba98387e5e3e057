"""All that is on record, so that two runs of the same day can be compared: every row of every table.

Moments, ids that are drawn at random, and what is encrypted differ from run to run. What has a
number is known by its place among those of its table: a number that was lost with a process leaves
a gap.
"""

import json
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Table, select

from workers.db.schema import metadata

WholeState = dict[str, list[str]]
"""The rows of each table, sorted."""

EACH_TIME = frozenset({"access", "free_text", "permission_use"})
"""Whoever looks twice, or asks twice, is on record twice, with why they say they look."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:[\d:.]+(Z|[+-]\d\d:?\d\d)?")
_RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/_-]{40,}=*")


def whole_state(connection: Connection) -> WholeState:
    """What is on record."""
    places = {table.name: _places(connection, table) for table in metadata.tables.values()}
    state = {}
    for table in metadata.tables.values():
        columns = list(table.c)
        rows = [
            ", ".join(
                f"{column.name}={_said(column, value, places)}"
                for column, value in zip(columns, row, strict=True)
                if value is not None
            )
            for row in connection.execute(select(*columns))
        ]
        state[table.name] = sorted(set(rows) if table.name in EACH_TIME else rows)
    return state


def _places(connection: Connection, table: Table) -> dict[Any, int]:
    """The place of each row of a table that has numbers."""
    if "id" not in table.c:
        return {}
    ids = connection.execute(select(table.c.id).order_by(table.c.id)).scalars().all()
    return {id: place for place, id in enumerate(ids, start=1)}


def _said(column: Column[Any], value: Any, places: dict[str, dict[Any, int]]) -> str:
    match value:
        case datetime():
            return "a moment"
        case UUID():
            return "an id"
        case bytes() | memoryview():
            return "bytes"
        case int() if not isinstance(value, bool):
            if column.name == "id":
                return f"#{places[column.table.name][value]}"
            for key in column.foreign_keys:
                if key.column.name == "id":
                    return f"#{places[key.column.table.name][value]}"
    said = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    return _RANDOM.sub("an id", _MOMENT.sub("a moment", said))
