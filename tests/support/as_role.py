"""A database as one of its roles sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import ProgrammingError

from workers.db.engine import connect
from workers.db.roles import Role


@contextmanager
def as_role(engine: Engine, role: Role) -> Iterator[Engine]:
    """Connections of a role, as if it had logged in."""
    with as_login(engine, role.name_in(str(engine.url.database))) as works:
        yield works


@contextmanager
def as_login(engine: Engine, name: str) -> Iterator[Engine]:
    """Connections of whoever has this name in the database."""
    works = connect(engine.url.render_as_string(hide_password=False))

    @event.listens_for(works, "connect")
    def become(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'SET SESSION AUTHORIZATION "{name}"')
        connection.commit()

    try:
        yield works
    finally:
        works.dispose()


def assert_refused(engine: Engine, *statements: str) -> None:
    """PostgreSQL refuses each of these statements to whoever is connected."""
    for statement in statements:
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            engine.begin() as connection,
        ):
            connection.execute(text(statement))
