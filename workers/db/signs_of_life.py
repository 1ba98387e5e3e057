"""Signs of life: when something last worked, by the clock of the database.

They show what stands still, which the absence of errors does not: a broker that is full takes no
message, so no task fails.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError

from domain.errors import ArrearsError
from workers.db.engine import assert_writable, autocommit
from workers.db.schema import sign_of_life

HEALTH = "health"
"""The row that whoever asks for health writes and reads."""


def serves(queue: str) -> str:
    """The sign of a worker that is connected to the broker and serves a queue."""
    return f"serves:{queue}"


def took(queue: str) -> str:
    """The sign that a message of a queue was taken."""
    return f"took:{queue}"


def did(task: str) -> str:
    """The sign that a task of the schedule ended well."""
    return f"did:{task}"


class Sign(NamedTuple):
    """When something last worked."""

    name: str
    at: datetime
    seconds: int
    """How long ago."""


def write_signs(connection: Connection, names: Iterable[str]) -> None:
    """Note that these work now. One statement; two who write at once wait for each other in one
    order."""
    rows = [{"name": name, "at": func.clock_timestamp()} for name in sorted(set(names))]
    if rows:
        upsert = insert(sign_of_life).values(rows)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[sign_of_life.c.name], set_={"at": upsert.excluded.at}
            )
        )


def read_signs(connection: Connection) -> dict[str, Sign]:
    """All signs, by name."""
    age = func.extract("epoch", func.clock_timestamp() - sign_of_life.c.at)
    signs = select(sign_of_life.c.name, sign_of_life.c.at, func.floor(age))
    return {name: Sign(name, at, int(age)) for name, at, age in connection.execute(signs)}


def assert_writes_and_reads(engine: Engine) -> None:
    """Write one row, and read it.

    Raises:
        ArrearsError: the database cannot be reached, is read only, or refuses it.
    """
    assert_writable(engine)
    try:
        with autocommit(engine) as connection:
            write_signs(connection, [HEALTH])
            connection.execute(
                select(sign_of_life.c.at).where(sign_of_life.c.name == HEALTH)
            ).scalar_one()
    except OperationalError:
        raise
    except DBAPIError as error:
        raise ArrearsError(
            "The database answers, and cannot be written to ({error}). Its log says why.",
            error=type(error.orig).__name__,
        ) from None
