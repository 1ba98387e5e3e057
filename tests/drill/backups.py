"""Two kinds of backup, each with PostgreSQL's own tools, as docs/operations.md describes them."""

import time
from collections.abc import Callable
from typing import Protocol

from domain.errors import ArrearsError
from tests.drill.postgres import DATABASE, OWNER, LosablePostgres

PATIENCE = 60.0
"""Seconds that a restored server may need."""


class Backup(Protocol):
    """One way to keep a copy of the database and to have it again."""

    def prepare(self) -> None:
        """Before the day begins."""

    def take(self) -> None:
        """Note the state of this moment, to which `restore` goes back."""

    def restore(self) -> None:
        """Lose the server with all its files, and have the database again."""


class Dump:
    """`pg_dump`: one database, into a new PostgreSQL system."""

    def __init__(self, postgres: LosablePostgres, migrate: Callable[[], None]) -> None:
        """`migrate` runs `arrears migrate`, which makes the roles."""
        self._postgres = postgres
        self._migrate = migrate
        self._file = str(postgres.backups / "arrears.dump")

    def prepare(self) -> None:
        pass

    def take(self) -> None:
        options = ("--format=custom", f"--file={self._file}", DATABASE)
        self._postgres.run_tool("pg_dump", *options, user=f"{DATABASE}_backup")

    def restore(self) -> None:
        self._postgres.lose()
        self._postgres.start()
        self._postgres.make_database()
        options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
        self._postgres.run_tool(
            "pg_restore", *options, f"--dbname={DATABASE}", self._file, user=OWNER
        )
        self._migrate()


class PointInTime:
    """`pg_basebackup` and the archive of the WAL: the whole server, as it was at a moment."""

    def __init__(self, postgres: LosablePostgres) -> None:
        self._postgres = postgres
        self._base = postgres.backups / "base"
        self._moment = ""

    def prepare(self) -> None:
        options = (f"--pgdata={self._base}", "--checkpoint=fast", "--wal-method=none")
        self._postgres.run_tool("pg_basebackup", *options)

    def take(self) -> None:
        # Nothing is copied: the archive has everything since `prepare`.
        self._moment = self._postgres.run_sql("SELECT clock_timestamp()::text")

    def restore(self) -> None:
        # In production `archive_timeout` does this within a minute.
        last = self._postgres.run_sql(
            "SELECT pg_create_restore_point('the end')", "SELECT pg_walfile_name(pg_switch_wal())"
        )
        self._wait_until(f"SELECT last_archived_wal >= '{last}' FROM pg_stat_archiver")  # noqa: S608
        self._postgres.lose()
        self._postgres.put_files(self._base, self._moment)
        self._postgres.start()
        self._wait_until("SELECT NOT pg_is_in_recovery()")

    def _wait_until(self, question: str) -> None:
        give_up_at = time.monotonic() + PATIENCE
        while self._postgres.run_sql(question) != "True":
            if time.monotonic() > give_up_at:
                raise ArrearsError("PostgreSQL never said yes to: {question}", question=question)
            time.sleep(0.1)
