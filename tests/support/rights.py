"""Somebody with all rights: what guards evidence is lifted for one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text


@contextmanager
def all_rights(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no trigger fires and no reference is checked."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
