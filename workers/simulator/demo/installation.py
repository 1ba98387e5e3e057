"""An installation for one simulated day: servers, settings, processes, and a clock that can be set.

    with new_installation(os.environ, at=moment) as installation:
        ...  # installation.ctx acts in this process; start_processes() starts the others

Its files are in one temporary directory. They and the processes are gone afterwards in every case.
"""

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

from config.setting_validators import DEMO_DIRECTORY
from config.settings import OURS, SHARED, load_settings
from domain.errors import ArrearsError
from workers.bootstrap import build_context
from workers.clock import Clock, write_offset
from workers.context import Context
from workers.db.encryption import Cipher
from workers.messaging.broker import assert_broker_reachable, queue_depths
from workers.queues import ACTION_QUEUES, Queue
from workers.simulator.providers.server import TOKEN_VARIABLE
from workers.simulator.providers.twilio import ACCOUNT_SID
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres
from workers.simulator.servers.processes import ManagedProcess, ProcessGroup

ZONE = "America/New_York"
SCAN_SECONDS = 3
"""Long enough that a scan does not expire while it waits for a busy machine."""

NOT_INHERITED = (*OURS, *SHARED, "CELERY_", "FLOWER_")

DECIDING = (Queue.SCAN, Queue.ESCALATE, Queue.EVENTS, Queue.OUTBOX, Queue.MAINTENANCE)
DISPATCHING = (Queue.DISPATCH,)

# The code of this checkout, even if PATH contains another `arrears`.
ARREARS = [sys.executable, "-c", "from workers.cli.main import main; main()"]


@dataclass(frozen=True)
class Ports:
    """The ports of the processes, all on the loopback address."""

    twilio: int
    webhook: int
    flower: int


@dataclass(frozen=True)
class Installation:
    """The parts of a running installation."""

    directory: Path
    ctx: Context
    environment: Mapping[str, str]
    ports: Ports
    processes: ProcessGroup
    external_servers: bool
    """Whether the caller named the database and the broker; these two are not removed."""

    @property
    def accepted_texts_log(self) -> Path:
        """The log of simulated Twilio: one line of JSON for each accepted text."""
        return self.directory / "texts.jsonl"

    @property
    def flower_url(self) -> str:
        return _http(self.ports.flower)

    @property
    def environment_file(self) -> Path:
        """A file that sets the environment of a shell for commands on this installation."""
        return self.directory / "environment"

    def move_clock(self, at: datetime) -> None:
        """Set the clock of every process of this installation to `at`."""
        _move_clock(self.directory, at)

    def start_processes(self) -> None:
        """Start every process but beat, and wait until simulated Twilio and the webhook answer."""
        twilio = self.processes.start(
            "twilio",
            [
                *(sys.executable, "-m", "workers.simulator.providers.twilio"),
                f"--port={self.ports.twilio}",
                f"--log={self.accepted_texts_log}",
            ],
            port=self.ports.twilio,
            environment=self._provider_environment(),
        )
        webhook = self._arrears("webhook", f"--port={self.ports.webhook}", port=self.ports.webhook)
        self._worker("deciding", DECIDING, processes=1)
        self._worker("dispatching", DISPATCHING, processes=1)
        self._worker("acting", ACTION_QUEUES, processes=2)
        self._arrears("flower", f"--port={self.ports.flower}", port=self.ports.flower)
        self.processes.wait_until_ready(twilio, webhook)

    def start_beat(self) -> None:
        """Start beat: from now on the periodic tasks run."""
        self._arrears("beat")

    def _worker(self, name: str, queues: tuple[str, ...], processes: int) -> None:
        served = f"--queues={','.join(queues)}"
        arguments = ("worker", served, f"--concurrency={processes}", f"--name={name}")
        self._arrears(*arguments, log=f"worker-{name}")

    def _arrears(
        self, *arguments: str, log: str | None = None, port: int | None = None
    ) -> ManagedProcess:
        return self.processes.start(log or arguments[0], [*ARREARS, *arguments], port=port)

    def _provider_environment(self) -> dict[str, str]:
        # Not in the common environment: the product refuses variables that are not its settings.
        return {**self.environment, TOKEN_VARIABLE: self.environment["TWILIO_AUTH_TOKENS"]}


@contextmanager
def new_installation(environ: Mapping[str, str], at: datetime) -> Iterator[Installation]:
    """An installation without data and processes, whose clock shows `at`.

    It uses the servers that DATABASE_URL and REDIS_URL in `environ` name, and starts its own if
    neither is set.

    Raises:
        ArrearsError: a server cannot be started or used, or only one of the two is named.
    """
    _refuse_settings_of_a_demo(environ)
    with ExitStack() as stack:
        external_servers = _names_external_servers(environ)
        if external_servers:
            database_url, redis_url = environ["DATABASE_URL"], environ["REDIS_URL"]
            _refuse_busy_broker(redis_url)
        else:
            database_url = stack.enter_context(LocalPostgres()).url
            redis_url = stack.enter_context(LocalBroker()).url
        directory = Path(tempfile.mkdtemp(prefix=DEMO_DIRECTORY))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        ports = Ports(free_port(), free_port(), free_port())
        settings = _settings(directory, ports, database_url, redis_url)
        environment = _inherited(environ) | settings
        _move_clock(directory, at)
        ctx = build_context(load_settings(environment))
        stack.callback(ctx.engine.dispose)
        processes = stack.enter_context(ProcessGroup(directory, environment))
        installation = Installation(directory, ctx, environment, ports, processes, external_servers)
        _write_environment(installation.environment_file, settings)
        yield installation


def _names_external_servers(environ: Mapping[str, str]) -> bool:
    named = [name for name in SHARED if environ.get(name)]
    if len(named) == 1:
        [other] = set(SHARED) - set(named)
        raise ArrearsError(
            f"{named[0]} is set and {other} is not. Set both to use servers of your own, or "
            "neither to let the demo start its own."
        )
    return bool(named)


def _refuse_settings_of_a_demo(environ: Mapping[str, str]) -> None:
    """The servers that such settings name are those of the other demo, or are gone with it."""
    clock = environ.get("ARREARS_CLOCK_FILE", "")
    if Path(clock).parent.name.startswith(DEMO_DIRECTORY):
        stands = "runs" if Path(clock).exists() else "was stopped"
        raise ArrearsError(
            f"This shell has the settings of a demo that {stands}. Open a new shell, and start "
            "this demo there."
        )


def _refuse_busy_broker(redis_url: str) -> None:
    assert_broker_reachable(redis_url)
    if any(queue_depths(redis_url).values()):
        raise ArrearsError(
            "Messages wait in the broker that REDIS_URL names: another installation uses it. "
            "Name a broker for the demo alone, or unset DATABASE_URL and REDIS_URL."
        )


def _settings(directory: Path, ports: Ports, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        # Without SQLAlchemy's name of the driver, so that psql accepts it too.
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
        "TWILIO_FROM": "+15005550006",  # Twilio's own number for tests
        "TWILIO_API_BASE": _http(ports.twilio),
        # All requests stay on this machine: use no proxy.
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in environ.items() if not k.startswith(NOT_INHERITED)}


def _http(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _clock_file(directory: Path) -> Path:
    return directory / "clock"


def _move_clock(directory: Path, at: datetime) -> None:
    write_offset(_clock_file(directory), at - Clock().now())


def _write_environment(path: Path, settings: Mapping[str, str]) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(lines)
