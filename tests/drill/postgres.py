"""A PostgreSQL server that can be lost and restored, with its own tools, from its own backups."""

import shutil
import subprocess
from pathlib import Path

import psycopg2

from domain.errors import ArrearsError
from workers.simulator.servers.environment import LOOPBACK, change_owner, new_directory
from workers.simulator.servers.postgres_and_valkey import LocalPostgres

DATABASE = "arrears"
OWNER = "arrears"
PASSWORD = "a-password-of-the-drill"
TOOL_SECONDS = 600


_ARCHIVE = (
    "test ! -f {archive}/%f.gz && gzip -c %p > {archive}/%f.part && sync {archive}/%f.part"
    " && mv {archive}/%f.part {archive}/%f.gz"
)
"""As in docs/operations.md."""


class LosablePostgres(LocalPostgres):
    """PostgreSQL that archives its WAL in another directory, and has the roles of production."""

    def __init__(self) -> None:
        super().__init__()
        self.backups = new_directory("arrears-backups-", self._user)
        """Where backups and the archive are: another disk, in production."""
        self.archive = self.backups / "wal"
        self.archive.mkdir()
        change_owner(self.archive, self._user)
        self._settings |= {
            "archive_mode": "on",
            "archive_command": _ARCHIVE.format(archive=self.archive),
            "full_page_writes": "on",
        }

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.backups, ignore_errors=True)

    def url_of(self, user: str) -> str:
        """Where a role connects to the database."""
        return f"postgresql://{user}:{PASSWORD}@{LOOPBACK}:{self.port}/{DATABASE}"

    def make_database(self) -> None:
        """The owner and an empty database, as docker/postgres/10-owner.sh makes them."""
        self.run_sql(
            f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
        )

    def run_sql(self, *statements: str) -> str:
        """Run statements as the superuser; returns the first value of the last one, if any."""
        connection = psycopg2.connect(
            host=LOOPBACK,
            port=self.port,
            user="postgres",
            password=self._password,
            dbname="postgres",
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return str((cursor.fetchone() or [""])[0]) if cursor.description else ""
        finally:
            connection.close()

    def run_tool(self, name: str, *arguments: str, user: str = "postgres") -> str:
        """Run one of PostgreSQL's own programs against this server; returns what it prints.

        Raises:
            ArrearsError: it failed, with what it said.
        """
        password = self._password if user == "postgres" else PASSWORD
        server = (f"--host={LOOPBACK}", f"--port={self.port}", f"--username={user}")
        done = subprocess.run(
            [self._program(name), *server, *arguments],
            cwd=self.backups,
            env={"PGPASSWORD": password, "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=TOOL_SECONDS,
            check=False,
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
        )
        if done.returncode:
            raise ArrearsError("{program} failed: {why}", program=name, why=done.stderr.strip())
        return done.stdout

    def lose(self) -> None:
        """The server crashes, and its disk is gone."""
        self.kill()
        shutil.rmtree(self._data)

    def put_files(self, base: Path, until: str) -> None:
        """The files of a base backup, from which the next start recovers up to a moment."""
        shutil.copytree(base, self._data)
        settings = (
            f"restore_command = 'gzip -dc {self.archive}/%f.gz > %p'",
            f"recovery_target_time = '{until}'",
            "recovery_target_action = 'promote'",
        )
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.write("".join(f"{line}\n" for line in settings))
        (self._data / "recovery.signal").touch()
        for path in (self._data, *self._data.rglob("*")):
            change_owner(path, self._user)
