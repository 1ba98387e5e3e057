"""Counting what a piece of work costs: SQL statements, each of which is one round trip."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from workers.db.prepared_statements import PREPARED


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements sent while the block runs, also those that go by a name, as they are written.

    Not among them are BEGIN and COMMIT, and what a connection sends once in its life to have a
    statement planned.
    """
    sent: list[str] = []

    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("PREPARE "):
            by_name = {name: said for said, name in connection.info.get(PREPARED, {}).items()}
            sent.append(by_name.get(statement, statement))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
