"""The engine: how every process connects to the database."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psycopg2
from psycopg2.errors import (
    DeadlockDetected,
    LockNotAvailable,
    QueryCanceled,
    ReadOnlySqlTransaction,
)
from psycopg2.extensions import make_dsn
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import ArrearsError, Text, text_of
from workers.db.moments import read_every_moment
from workers.db.prepared_statements import enable_prepared_statements

PING_AFTER_IDLE = 1.0
"""Seconds without use after which a connection is tested before its next use."""

RECYCLE_AFTER = 600
"""Seconds after which a connection is replaced. Its prepared plans end with it: a plan that was
made while a table was empty is bad when the table has filled."""

POOL_SIZE = 4
"""The connections of a process that works one task at a time, and of its threads."""

APPLICATION = "arrears"
"""What PostgreSQL shows for each connection of ours."""

_USED_AT = "arrears_used_at"
_OPTIONS = (
    "-c timezone=UTC -c lock_timeout=20s -c statement_timeout=60s"
    # A host that is cut off would keep its locks until TCP notices, which takes two hours.
    " -c idle_in_transaction_session_timeout=60s"
    # For prepared statements: always the generic plan, whatever the values of a call.
    " -c plan_cache_mode=force_generic_plan"
)


def connect(url: str, *, pool_size: int = POOL_SIZE) -> Engine:
    """An engine whose connections use UTC and detect a dead server within seconds.

    It does not connect yet.

    Raises:
        ArrearsError: the URL has an option that PostgreSQL does not accept.
    """
    try:
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,  # connections beyond the pool would be opened anew for each use
            pool_recycle=RECYCLE_AFTER,
            json_deserializer=orjson.loads,  # a third of the time that the standard library takes
            hide_parameters=True,  # errors and logs show statements, never the values in them
            connect_args={
                "connect_timeout": 5,
                "application_name": APPLICATION,
                "options": _OPTIONS,
                "keepalives_idle": 30,
            },
        )
        # The driver would report it only when it connects, and would quote the URL.
        _, given = engine.dialect.create_connect_args(engine.url)
        make_dsn(**given)
    except (ArgumentError, psycopg2.ProgrammingError, TypeError, ValueError):
        raise ArrearsError(
            "DATABASE_URL is not usable: what follows its ? is no option of PostgreSQL's, or has a "
            "value that the option cannot have. Correct it or take it out; sslmode=verify-full is "
            "written so."
        ) from None
    enable_prepared_statements(engine)
    read_every_moment(engine)
    _ping_idle_connections(engine)
    return engine


@contextmanager
def autocommit(engine: Engine) -> Iterator[Connection]:
    """A connection for a single statement, which is a transaction by itself.

    It saves two round trips: the driver sends BEGIN and COMMIT as separate statements.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def _ping_idle_connections(engine: Engine) -> None:
    """Test a connection before its use if it was idle for a while.

    The pool's own `pre_ping` tests before every transaction, which takes a fifth of the time of a
    short one. If the server stopped within the last second, the transaction fails and is retried,
    as if the server had stopped in the middle of it.
    """

    def note_use(_: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get(_USED_AT, -math.inf) < PING_AFTER_IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg2.Error:
            raise DisconnectionError from None

    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", ping)


def is_read_only(error: DBAPIError) -> bool:
    """Whether the server refused to write: it is a standby, or was set so."""
    return isinstance(error.orig, ReadOnlySqlTransaction)


def assert_reachable(engine: Engine) -> None:
    """Check that the server responds.

    Raises:
        ArrearsError: it cannot be reached, or refuses the connection.
    """
    _ask(engine, "SELECT 1")


def assert_writable(engine: Engine) -> None:
    """Check that the server responds, and that it may be written to.

    Raises:
        ArrearsError: it cannot be reached, refuses the connection, or is read only.
    """
    if _ask(engine, "SHOW transaction_read_only") == "on":
        raise ArrearsError(
            "The database is read only: it is a standby, or default_transaction_read_only is on. "
            "Name the primary in DATABASE_URL, or let PostgreSQL write again."
        )


def _ask(engine: Engine, question: str) -> object:
    try:
        with engine.connect() as connection:
            return connection.execute(text(question)).scalar_one()
    except OperationalError as error:
        if "certificate" in (line := _first_line(error)):
            raise ArrearsError(
                "The database's certificate is not trusted, or is for another host ({error}). End "
                "DATABASE_URL with ?sslmode=verify-full&sslrootcert=/path/ca.pem, the file of its "
                "authority, and write the host that the certificate names.",
                error=line,
            ) from None
        raise ArrearsError(
            "The database cannot be reached ({error}). Check DATABASE_URL and that "
            "PostgreSQL runs.",
            error=line,
        ) from None


def user_message(error: DBAPIError) -> Text:
    """The message for a person whose command failed with a database error.

    Not for errors about data, because their text may quote it.
    """
    if isinstance(error.orig, (LockNotAvailable, QueryCanceled, DeadlockDetected)):
        return text_of(
            "The database is busy: {reason}. Try again when less is going on in it.",
            reason=_first_line(error),
        )
    if getattr(error.orig, "pgcode", None) and not error.connection_invalidated:
        return text_of(
            "The database refuses what was asked of it: {reason}. Put that right in PostgreSQL, "
            "and run the command again.",
            reason=_first_line(error),
        )
    return text_of(
        "The database went away: {reason}. Whether the last step was done is not known. Check that "
        "PostgreSQL runs, and run the command again: what was done is not done twice.",
        reason=_first_line(error),
    )


def _first_line(error: DBAPIError) -> str:
    """The first line of the error; the lines below it may quote rows."""
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__
