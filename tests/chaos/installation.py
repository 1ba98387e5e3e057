"""All the processes of an installation, and the ways to break them."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import redis

from tests.chaos.book import NOON, TODAY, ZONE
from tests.support.commands import Process
from tests.support.compose import ROOT
from tests.support.databases import new_database
from tests.support.environment import an_environment
from tests.support.links import a_link
from workers.clock import Clock, write_offset
from workers.db.migrate import upgrade
from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.server import TOKEN_VARIABLE
from workers.simulator.providers.twilio import ACCOUNT_SID
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres
from workers.simulator.servers.processes import ProcessGroup

BEATS = 2
WEBHOOKS = 2

LEASE_SECONDS = 30
PARK_AFTER_SECONDS = 60


def faults(seed: int) -> FaultPlan:
    """Many faults: about one text in nine gets no response that says whether it was accepted."""
    return FaultPlan(
        seed=seed,
        latency=0.2,
        silence=0.002,
        server_error=0.03,
        reset=0.02,
        garbled=0.01,
        not_taken=0.01,
        too_many_requests=0.03,
        receipts_lost=0.1,
        receipts_repeated=0.2,
        receipts_swapped=0.2,
        receipts_failed=0.2,
        receipts_late=2.0,
    )


@dataclass(slots=True)
class Installation:
    """Every process can be killed and started again, with the same ports and files."""

    folder: Path
    environment: Mapping[str, str]
    postgres: LocalPostgres
    broker: LocalBroker
    database_url: str
    commands: dict[str, tuple[str, ...]]
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def texts(self) -> Path:
        """The provider's own log."""
        return self.folder / "texts.jsonl"

    def start(self, name: str) -> None:
        self.processes[name] = Process(
            *self.commands[name], environment=self.environment, log=self.folder / f"{name}.log"
        )

    def kill(self, name: str) -> None:
        """SIGKILL for the process and its children, as the kernel does when memory is short."""
        self.processes[name].kill()

    def stop_all(self) -> None:
        """Kill everything: after the day no process has anything left to finish."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):  # it has ended before
                process.kill()

    def empty_broker(self) -> None:
        with redis.Redis.from_url(self.broker.url) as client:
            client.flushall()

    def restart_broker(self) -> None:
        self.broker.kill()
        self.broker.start()

    def restart_database(self) -> None:
        """Crash the database: committed data stays, and every connection breaks."""
        self.postgres.kill()
        self.postgres.start()

    def skip(self, seconds: float) -> None:
        """Move the clock forward."""
        file = Path(self.environment["ARREARS_CLOCK_FILE"])
        write_offset(file, timedelta(seconds=float(file.read_text()) + seconds))


@contextmanager
def new_installation(folder: Path, seed: int, workers: int) -> Iterator[Installation]:
    """An installation of so many workers, with an empty database; its servers and simulated
    provider run.

    None of its own processes is started yet. All processes are stopped at the end in every case.
    """
    with ExitStack() as stack:
        postgres = stack.enter_context(LocalPostgres())
        broker = stack.enter_context(LocalBroker())
        database = stack.enter_context(new_database(postgres.url))
        database_url = database.render_as_string(hide_password=False)
        upgrade(database_url)
        provider, *webhooks = (free_port() for _ in range(1 + WEBHOOKS))
        # As a proxy in front of both: a connection goes to the other one while one is down.
        public = stack.enter_context(a_link(LOOPBACK, *webhooks))
        environment = _environment(folder, database_url, broker.url, public.port, provider)
        installation = Installation(
            folder=folder,
            environment=environment,
            postgres=postgres,
            broker=broker,
            database_url=database_url,
            commands=_commands(webhooks, workers),
        )
        processes = stack.enter_context(
            ProcessGroup(folder, environment | {TOKEN_VARIABLE: environment["TWILIO_AUTH_TOKENS"]})
        )
        command = [
            *(sys.executable, "-m", "workers.simulator.providers.twilio"),
            *(f"--port={provider}", f"--log={installation.texts}", f"--faults={faults(seed)}"),
        ]
        processes.wait_until_ready(processes.start("provider", command, port=provider))
        stack.callback(installation.stop_all)
        yield installation


def _commands(ports: Sequence[int], count: int) -> dict[str, tuple[str, ...]]:
    workers = {
        f"worker-{n}": ("worker", "--concurrency=2", f"--name=worker-{n}") for n in range(count)
    }
    beats: dict[str, tuple[str, ...]] = {f"beat-{n}": ("beat",) for n in range(BEATS)}
    webhooks = {f"webhook-{n}": ("webhook", f"--port={port}") for n, port in enumerate(ports)}
    return workers | beats | webhooks


def _environment(
    folder: Path, database_url: str, broker_url: str, public: int, provider: int
) -> dict[str, str]:
    noon = datetime.fromisoformat(f"{TODAY} {NOON}").replace(tzinfo=ZoneInfo(ZONE))
    clock = folder / "clock"
    clock.write_text(str((noon - Clock().now()) / timedelta(seconds=1)))
    return {
        **an_environment(database_url, broker_url),
        "PYTHONPATH": str(ROOT),
        "ARREARS_CLOCK_FILE": str(clock),
        "ARREARS_SENDING_COUNTER_FILE": str(folder / "sending-counter"),
        "ARREARS_LEASE_SECONDS": str(LEASE_SECONDS),
        "ARREARS_PARK_AFTER_SECONDS": str(PARK_AFTER_SECONDS),
        "ARREARS_PUBLIC_URL": f"http://{LOOPBACK}:{public}",
        "ARREARS_SCAN_SECONDS": "3",
        "ARREARS_ZONE": ZONE,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_API_BASE": f"http://{LOOPBACK}:{provider}",
    }
