"""One way to the database."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psycopg2
from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from psycopg2.extensions import make_dsn
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import ArrearsError
from workers.db.prepared_statements import keep_plans

IDLE_AFTER = 1.0
"""Seconds after which a connection must prove itself."""

PLANS_LAST = 600
"""Seconds after which a connection is opened anew, and its statements are planned anew with it: a
plan of a table that was empty is no good when it has filled, and nobody has analysed it yet."""

_USED_AT = "arrears_used_at"
_OPTIONS = (
    "-c timezone=UTC -c lock_timeout=20s -c statement_timeout=60s"
    # Of statements that are planned once; the values of one call must not make it another plan.
    " -c plan_cache_mode=force_generic_plan"
)


def connect(url: str, *, pool_size: int = 4) -> Engine:
    """An engine whose connections speak UTC and give up on a dead server within seconds.

    Nothing is reached yet.

    Raises:
        ArrearsError: the URL has an option that no connection can be made with.
    """
    try:
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,  # what comes beyond the pool is closed after each use, and opened anew
            pool_recycle=PLANS_LAST,
            json_deserializer=orjson.loads,  # a third of the time that the standard library takes
            hide_parameters=True,  # errors and logs show statements, never the values in them
            connect_args={
                "connect_timeout": 5,
                "application_name": "arrears",
                "options": _OPTIONS,
                "keepalives_idle": 30,
            },
        )
        # The driver would say so only when it connects, and quote what it read.
        _, given = engine.dialect.create_connect_args(engine.url)
        make_dsn(**given)
    except (ArgumentError, psycopg2.ProgrammingError, TypeError, ValueError):
        raise ArrearsError(
            "DATABASE_URL is not usable: what follows its ? is no option of PostgreSQL's, or has a "
            "value that the option cannot have. Correct it or take it out; sslmode=require is "
            "written so."
        ) from None
    keep_plans(engine)
    _ask_what_lay_idle(engine)
    return engine


@contextmanager
def autocommit(engine: Engine) -> Iterator[Connection]:
    """A connection for a single statement, which is a transaction by itself.

    The driver sends what begins and what ends a transaction as statements of their own: three round
    trips for one.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def _ask_what_lay_idle(engine: Engine) -> None:
    """Have a connection that nobody used for a while prove that its server is still there.

    As the pool's own `pre_ping`, which asks before every transaction: a fifth of a short one. A
    server that went away within the last second fails the work at hand, as one that goes away in
    the middle of it does; that is tried again.
    """

    def used(_: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get(_USED_AT, -math.inf) < IDLE_AFTER:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg2.Error:
            raise DisconnectionError from None

    event.listen(engine, "checkin", used)
    event.listen(engine, "checkout", ask)


def assert_reachable(engine: Engine) -> None:
    """One question to the server.

    Raises:
        ArrearsError: it cannot be reached, or turns us away.
    """
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as error:
        raise ArrearsError(
            f"The database cannot be reached ({_why(error)}). "
            "Check DATABASE_URL and that PostgreSQL runs."
        ) from None


def user_message(error: DBAPIError) -> str:
    """What a person is told of a command that an error of the database ended.

    Not for errors about data, whose words may quote it.
    """
    if isinstance(error.orig, (LockNotAvailable, QueryCanceled, DeadlockDetected)):
        return f"The database is busy: {_why(error)}. Try again when less is going on in it."
    if getattr(error.orig, "pgcode", None) and not error.connection_invalidated:
        return (
            f"The database refuses what was asked of it: {_why(error)}. "
            "Put that right in PostgreSQL, and run the command again."
        )
    return (
        f"The database went away: {_why(error)}. Whether the last step was done is not known. "
        "Check that PostgreSQL runs, and run the command again: what was done is not done twice."
    )


def _why(error: DBAPIError) -> str:
    """The server's or the driver's first line; those below it may quote rows."""
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__
