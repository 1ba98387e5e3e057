"""Makes, empties and drops databases on a PostgreSQL server that the tests may use."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast
from uuid import uuid4

import psycopg2
from psycopg2.errors import UndefinedTable
from sqlalchemy import URL, Engine, QueuePool, event, make_url

from workers.db.engine import connect

MANY = 20
"""Connections that a test may have at once, as those do in which workers race."""


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
        _run(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def renew_database(server_url: str, name: str, template: str) -> None:
    """Make the database `name` anew, a copy of `template`; who was connected to it is cut off."""
    _run(
        server_url,
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {template}",
    )


class ReusedDatabase:
    """One copy of a template for test after test, in the state of the template before each.

    To empty the tables costs a tenth of what a new copy costs. Whatever a test does beyond rows
    (tables, indexes, triggers, statistics of the planner) shows in the catalogues: then the next
    test gets a new copy.

    The connections of `engine` stay open from test to test: a new one costs more than most tests,
    as it knows no table and has no statement planned. All others are cut off.
    """

    def __init__(self, server_url: str, url: URL, template: str) -> None:
        """The database at `url` is a copy of `template` that nobody has used yet."""
        self.url = url
        self._server_url = server_url
        self._template = template
        self._connection: psycopg2.extensions.connection | None = None
        self._catalogues: object = None
        self._kept: set[int] = set()
        # One engine for all tests: a statement is compiled once, and not once a test.
        address = url.render_as_string(hide_password=False)
        self.engine: Engine = connect(address, pool_size=MANY)
        event.listen(self.engine, "connect", self._keep)

    def renew(self) -> None:
        """Cut off who else is connected, and have the template's state again."""
        if self._connection is None:
            self._open()
            return
        # A test may have dropped a table that the query about the catalogues reads.
        with self._connection.cursor() as cursor, suppress(UndefinedTable):
            self._cut_off(cursor)
            if not self._is_unchanged(cursor) and self._kept:
                # Temporary tables end with their connections.
                self._let_go()
                self._cut_off(cursor)
            if self._is_unchanged(cursor):
                cursor.execute(_EMPTY)
                cursor.execute(_CATALOGUES)  # a truncated table has a new file
                self._catalogues = cursor.fetchone()
                return
        self.close()
        renew_database(self._server_url, str(self.url.database), self._template)
        self._open()

    def _keep(self, connection: psycopg2.extensions.connection, _record: object) -> None:
        self._kept.add(connection.info.backend_pid)

    def _let_go(self) -> None:
        self._kept.clear()
        self.engine.dispose()

    def _cut_off(self, cursor: psycopg2.extensions.cursor) -> None:
        pool = cast(QueuePool, self.engine.pool)
        cursor.execute(_CONNECTED, {"pids": list(self._kept)})
        (connected,) = cursor.fetchone() or (0,)
        if pool.checkedout() or connected != pool.checkedin():
            # A test left a transaction open, or cut a connection itself.
            self._let_go()
        cursor.execute(_CUT_OFF, {"kept": list(self._kept)})

    def _is_unchanged(self, cursor: psycopg2.extensions.cursor) -> bool:
        cursor.execute(_CATALOGUES)
        return cursor.fetchone() == self._catalogues

    def close(self) -> None:
        self._let_go()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        self._connection = _connect(self.url)
        with self._connection.cursor() as cursor:
            # No trigger fires: those that guard evidence, and those that check references.
            cursor.execute("SET session_replication_role = replica; SET lock_timeout = '10s'")
            cursor.execute(_CATALOGUES)
            self._catalogues = cursor.fetchone()


_CONNECTED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid = ANY(%(pids)s)
"""

_CUT_OFF = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND NOT pid = ANY(%(kept)s)
"""

_CATALOGUES = """
WITH written (xmin) AS (
  SELECT xmin FROM pg_attribute
  UNION ALL SELECT xmin FROM pg_class
  UNION ALL SELECT xmin FROM pg_constraint
  UNION ALL SELECT xmin FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
  UNION ALL SELECT xmin FROM pg_proc
  UNION ALL SELECT xmin FROM pg_statistic
  UNION ALL SELECT xmin FROM pg_trigger
  UNION ALL SELECT xmin FROM alembic_version
)
SELECT count(*), sum(age('3'::xid) - age(xmin)) FROM written WHERE age(xmin) < 2147483647
"""
"""Changes with every statement that changes a schema or the statistics of the planner.

It sums up which transactions wrote the rows, from their ages: a transaction's number is no number
to PostgreSQL, and to read it from a text takes four times as long.
"""

_EMPTY = """
DO $$
DECLARE
  relation record;
BEGIN
  FOR relation IN
    SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
      AND pg_relation_size(oid) > 0
  LOOP
    -- Up to ten pages the planner takes an empty table for a new one.
    IF relation.size > 10 * 8192 THEN
      EXECUTE format('TRUNCATE %s CASCADE', relation.name);
    ELSE
      EXECUTE format('DELETE FROM %s', relation.name);
    END IF;
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
  FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


def _run(server_url: str, *statements: str) -> None:
    connection = _connect(make_url(server_url))
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def _connect(url: URL) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database
    )
    # Databases are neither made nor dropped inside a transaction.
    connection.autocommit = True
    return connection
