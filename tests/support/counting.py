"""Counting what a piece of work costs: SQL statements, each of which is one round trip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements sent while the block runs.

    Not among them are BEGIN and COMMIT, and what a connection sends once in its life to have a
    statement planned.
    """
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("PREPARE "):
            sent.append(statement)

    # Before whatever sends a statement by its name: what it says is what is wanted here.
    event.listen(engine, "before_cursor_execute", note, insert=True)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
