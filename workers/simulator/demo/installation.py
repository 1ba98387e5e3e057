"""A house for one rehearsal: servers, settings, a clock that can be moved, and every process.

    with rehearsal_house(os.environ, at=moment) as rehearsal:
        ...  # rehearsal.house acts in this process; rehearsal.open_doors() starts the others

All of it lives in one temporary directory and is gone afterwards, however it ends.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.settings import OURS, SHARED, load_settings
from domain.errors import ArrearsError
from workers.bootstrap import build_context
from workers.clock import Clock
from workers.context import Context
from workers.db.encryption import Cipher
from workers.messaging.broker import assert_broker_reachable, queue_depths
from workers.queues import Queue
from workers.simulator.providers.twilio import ACCOUNT_SID, TOKEN_VARIABLE
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres
from workers.simulator.servers.processes import Child, Children

ZONE = "America/New_York"
SCAN_SECONDS = 3
"""Long enough that a scan which has to wait for a busy machine has not expired."""

NOT_INHERITED = (*OURS, *SHARED, "CELERY_", "FLOWER_")

DECIDING = (Queue.SCAN, Queue.ESCALATE, Queue.EVENTS, Queue.OUTBOX, Queue.MAINTENANCE)
DISPATCHING = (Queue.DISPATCH,)
ACTING = (Queue.SMS, Queue.CALLS, Queue.VISITS, Queue.LEGAL)

# The command of this very installation, whatever the PATH says.
ARREARS = [sys.executable, "-c", "from workers.cli.main import main; main()"]


@dataclass(frozen=True)
class Ports:
    """Where the processes listen, all on the loopback address."""

    twilio: int
    webhook: int
    flower: int


@dataclass(frozen=True)
class RehearsalHouse:
    """Everything that a rehearsal acts with."""

    directory: Path
    ctx: Context
    environment: Mapping[str, str]
    ports: Ports
    children: Children
    own_servers: bool
    """Whether the database and the broker are the caller's, and so outlive the rehearsal."""

    @property
    def sent_texts(self) -> Path:
        """The stand-in's log: one line of JSON for each text it accepted."""
        return self.directory / "texts.jsonl"

    @property
    def flower_url(self) -> str:
        return _http(self.ports.flower)

    @property
    def environment_file(self) -> Path:
        """To be sourced by a shell in which commands are to reach this house."""
        return self.directory / "environment"

    def move_clock(self, at: datetime) -> None:
        """From now on it is `at` for every process of this house."""
        _move_clock(self.directory, at)

    def open_doors(self) -> None:
        """Start every process but beat, and return once what takes texts and receipts answers."""
        twilio = self.children.start(
            "twilio",
            [
                *(sys.executable, "-m", "workers.simulator.providers.twilio"),
                f"--port={self.ports.twilio}",
                f"--log={self.sent_texts}",
            ],
            port=self.ports.twilio,
            environment=self._environment_of_the_stand_in(),
        )
        webhook = self._arrears("webhook", f"--port={self.ports.webhook}", port=self.ports.webhook)
        self._worker("deciding", DECIDING, processes=1)
        self._worker("dispatching", DISPATCHING, processes=1)
        self._worker("acting", ACTING, processes=2)
        self._arrears("flower", f"--port={self.ports.flower}", port=self.ports.flower)
        self.children.wait_until_answering(twilio, webhook)

    def start_beat(self) -> None:
        """Let time begin: from here on the house works by itself."""
        self._arrears("beat")

    def _worker(self, name: str, queues: tuple[Queue, ...], processes: int) -> None:
        served = f"--queues={','.join(queues)}"
        arguments = ("worker", served, f"--concurrency={processes}", f"--name={name}")
        self._arrears(*arguments, log=f"worker-{name}")

    def _arrears(self, *arguments: str, log: str | None = None, port: int | None = None) -> Child:
        return self.children.start(log or arguments[0], [*ARREARS, *arguments], port=port)

    def _environment_of_the_stand_in(self) -> dict[str, str]:
        # The token is not a setting of the house, which refuses what it does not know.
        return {**self.environment, TOKEN_VARIABLE: self.environment["TWILIO_AUTH_TOKENS"]}


@contextmanager
def rehearsal_house(surroundings: Mapping[str, str], at: datetime) -> Iterator[RehearsalHouse]:
    """A house in which it is `at`, with nothing in it yet and no process started.

    With both DATABASE_URL and REDIS_URL in `surroundings`, the servers they name are used.

    Raises:
        ArrearsError: a server cannot be had, or only one of the two is named.
    """
    with ExitStack() as stack:
        own_servers = _names_own_servers(surroundings)
        if own_servers:
            database_url, redis_url = surroundings["DATABASE_URL"], surroundings["REDIS_URL"]
            _refuse_busy_broker(redis_url)
        else:
            database_url = stack.enter_context(LocalPostgres()).url
            redis_url = stack.enter_context(LocalBroker()).url
        directory = Path(tempfile.mkdtemp(prefix="arrears-demo-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        ports = Ports(free_port(), free_port(), free_port())
        settings = _settings(directory, ports, database_url, redis_url)
        environment = _inherited(surroundings) | settings
        _move_clock(directory, at)
        ctx = build_context(load_settings(environment))
        stack.callback(ctx.engine.dispose)
        children = stack.enter_context(Children(directory, environment))
        rehearsal = RehearsalHouse(directory, ctx, environment, ports, children, own_servers)
        _write_environment(rehearsal.environment_file, settings)
        yield rehearsal


def _names_own_servers(surroundings: Mapping[str, str]) -> bool:
    named = [name for name in SHARED if surroundings.get(name)]
    if len(named) == 1:
        [other] = set(SHARED) - set(named)
        raise ArrearsError(
            f"{named[0]} is set and {other} is not. Set both to use servers of your own, or "
            "neither, and the demo starts its own."
        )
    return bool(named)


def _refuse_busy_broker(redis_url: str) -> None:
    assert_broker_reachable(redis_url)
    if any(queue_depths(redis_url).values()):
        raise ArrearsError(
            "Messages wait in the broker that REDIS_URL names: another house works with it. "
            "Name one of the demo's own, or unset DATABASE_URL and REDIS_URL."
        )


def _settings(directory: Path, ports: Ports, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        # Without SQLAlchemy's name for the driver, so that psql takes it too.
        "DATABASE_URL": database_url.replace("postgresql+psycopg2://", "postgresql://", 1),
        "REDIS_URL": redis_url,
        "ARREARS_ENCRYPTION_KEYS": Cipher.new_key(),
        "ARREARS_LENDER": "Example Lending",
        "ARREARS_LENDER_PHONE": "800-555-0199",  # reserved for fiction
        "ARREARS_ZONE": ZONE,
        "ARREARS_PUBLIC_URL": _http(ports.webhook),
        "ARREARS_CLOCK_FILE": str(_clock_file(directory)),
        "ARREARS_SCAN_SECONDS": str(SCAN_SECONDS),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKENS": secrets.token_hex(16),
        "TWILIO_FROM": "+15005550006",  # Twilio's own number for rehearsals
        "TWILIO_API_BASE": _http(ports.twilio),
        # A proxy of this machine has no part in what never leaves it.
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }


def _inherited(surroundings: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in surroundings.items() if not n.startswith(NOT_INHERITED)}


def _http(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _clock_file(directory: Path) -> Path:
    return directory / "clock"


def _move_clock(directory: Path, at: datetime) -> None:
    # Replaced in one step, for other processes read it at any moment.
    written = directory / "clock.new"
    written.write_text(str((at - Clock().now()).total_seconds()))
    written.replace(_clock_file(directory))


def _write_environment(path: Path, settings: Mapping[str, str]) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(lines)
