"""The plans that PostgreSQL makes for the statements that a piece of work really sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlalchemy import Connection, Engine, event, text

from workers.context import Context

LARGE = 1_000
"""Rows above which a table is not to be read from one end to the other."""

_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "EXECUTE")


@dataclass(slots=True)
class Plans:
    """What the statements of some work use and read."""

    indexes: set[str] = field(default_factory=set)
    read_through: dict[str, str] = field(default_factory=dict)
    """Large tables of which every row is read, each with a statement that does so."""
    sought: set[tuple[str, str]] = field(default_factory=set)
    """Indexes in which rows are looked up, each with what by, in PostgreSQL's words."""


class _AllInOne:
    """In place of an engine: whoever begins a transaction is given a part of this one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self._connection.begin_nested():
            yield self._connection

    connect = begin

    def execution_options(self, **_: object) -> _AllInOne:
        """Where a statement is a transaction by itself, it is a part of this one as well."""
        return self


@contextmanager
def nothing_stays(ctx: Context) -> Iterator[tuple[Connection, Context]]:
    """A connection, and the house on it. Whatever they write is gone afterwards."""
    with ctx.engine.connect() as connection:
        all_in_one = cast(Engine, _AllInOne(connection))
        try:
            yield connection, replace(ctx, engine=all_in_one)
        finally:
            connection.rollback()


@contextmanager
def planned(connection: Connection) -> Iterator[Plans]:
    """The plans of what is sent while the block runs, each made when its statement has run.

    Not before: what is planned once is sent by its name, and is explained by it.
    """
    large = _large_tables(connection)
    plans = Plans()

    def explain(
        _conn: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if many or not statement.lstrip().upper().startswith(_PLANNED):
            return
        with cursor.connection.cursor() as beside:
            beside.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            (explained,) = beside.fetchone()
        for node in _nodes(
            (explained if isinstance(explained, list) else json.loads(explained))[0]["Plan"]
        ):
            plans.indexes |= {node.get("Index Name", ""), *node.get("Conflict Arbiter Indexes", ())}
            if "Index Cond" in node:
                plans.sought.add((node["Index Name"], node["Index Cond"]))
            if node.get("Relation Name") in large and _reads_it_all(node):
                plans.read_through.setdefault(node["Relation Name"], statement)

    event.listen(connection, "after_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(connection, "after_cursor_execute", explain)


def _large_tables(connection: Connection) -> set[str]:
    found = connection.execute(
        text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > :large"),
        {"large": LARGE},
    )
    return set(found.scalars())


def _reads_it_all(node: Mapping[str, Any]) -> bool:
    """Row after row, or in the order of its key and up to no limit."""
    in_order = str(node.get("Index Name")).endswith("_pkey") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or (in_order and not node["Limited"])


def _nodes(plan: Mapping[str, Any], limited: bool = False) -> Iterator[Mapping[str, Any]]:
    """The node and all below it, each with whether something above it stops at so many rows."""
    yield {**plan, "Limited": limited}
    for below in plan.get("Plans", ()):
        yield from _nodes(below, limited or plan["Node Type"] == "Limit")
