"""Makes and drops databases on a PostgreSQL server that the tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool


@contextmanager
def new_database(server_url: str, template: str | None = None) -> Iterator[URL]:
    """A database that exists for as long as the context does: empty, or a copy of `template`.

    The name is drawn at random, so that several runs can share one server.
    """
    name = f"arrears_test_{uuid4().hex[:12]}"
    _run(server_url, f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
    try:
        yield make_url(server_url).set(database=name)
    finally:
        # A test that failed may have left a connection open.
        _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def renew_database(server_url: str, name: str, template: str) -> None:
    """Make the database `name` anew, a copy of `template`; who was connected to it is cut off."""
    _run(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _run(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")


def _run(server_url: str, statement: str) -> None:
    # Neither statement may run inside a transaction, and a pool would hold on to the server.
    engine = create_engine(server_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
