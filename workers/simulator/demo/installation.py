"""An installation for one simulated day: servers, settings, processes, and a clock that can be set.

    with new_installation(os.environ, book) as installation:
        ...  # installation.ctx acts in this process; start_processes() starts the others

Its files are in one temporary directory. They and the processes are gone afterwards in every case.
"""

import os
import secrets
import shlex
import shutil
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from config.environment import load_settings
from config.setting_validators import DEMO_DIRECTORY
from config.settings import OURS, SHARED
from domain import actors
from domain.errors import ArrearsError
from workers.bootstrap import build_context
from workers.clock import Clock, write_offset
from workers.context import Context
from workers.db.encryption import Cipher
from workers.messaging.broker import assert_broker_reachable, queue_depths
from workers.simulator.demo.books import DemoBook, policy_with_registered_texts
from workers.simulator.demo.sign_in import MACHINE, WHOEVER, token_of
from workers.simulator.providers import tencent, twilio
from workers.simulator.providers.server import TOKEN_VARIABLE
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker, LocalPostgres
from workers.simulator.servers.processes import ManagedProcess, ProcessGroup

SCAN_SECONDS = 3
"""Long enough that a scan does not expire while it waits for a busy machine."""
LEASE_SECONDS = 20
"""What a conversation made due again on its day is announced after so long at the latest."""

NOT_INHERITED = (*OURS, *SHARED, "CELERY_", "FLOWER_")

WORKER_PROCESSES = 3

API_VARIABLE, DESK_VARIABLE = "DEMO_API", "DEMO_DESK"
"""Where the API of dialers and the desk are, for a shell that has the environment of the demo; no
settings of Arrears."""

_SECRETS = {"twilio": "TWILIO_AUTH_TOKENS", "tencent": "TENCENT_SECRET_KEY"}

# The code of this checkout, even if PATH contains another `arrears`.
ARREARS = [sys.executable, "-c", "from workers.cli.main import main; main()"]


@dataclass(frozen=True)
class Ports:
    """The ports of the processes, all on the loopback address."""

    provider: int
    webhook: int
    api: int
    desk: int
    flower: int


@dataclass(frozen=True)
class Installation:
    """The parts of a running installation."""

    book: DemoBook
    directory: Path
    ctx: Context
    environment: Mapping[str, str]
    provider_arguments: tuple[str, ...]
    """The program of the simulated provider, and its options."""
    ports: Ports
    processes: ProcessGroup
    external_servers: bool
    """Whether the caller named the database and the broker; these two are not removed."""
    flower_password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    """Every user of this machine can reach its port."""

    @property
    def accepted_texts_log(self) -> Path:
        """The log of the simulated provider: one line of JSON for each accepted text."""
        return self.directory / "texts.jsonl"

    @property
    def flower_url(self) -> str:
        return _http(self.ports.flower).replace("://", f"://{self._flower_login}@")

    @property
    def api_url(self) -> str:
        return _http(self.ports.api)

    @property
    def desk_url(self) -> str:
        return _http(self.ports.desk)

    @property
    def _flower_login(self) -> str:
        return f"demo:{self.flower_password}"

    @property
    def environment_file(self) -> Path:
        """A file that sets the environment of a shell for commands on this installation."""
        return self.directory / "environment"

    def move_clock(self, at: datetime) -> None:
        """Set the clock of every process of this installation to `at`."""
        _move_clock(self.directory, at)

    def start_processes(self) -> None:
        """Start the provider, the servers and a worker, and wait until what is called answers."""
        provider = self.processes.start(
            self.book.provider,
            [
                *(sys.executable, "-m", f"workers.simulator.providers.{self.book.provider}"),
                f"--port={self.ports.provider}",
                f"--log={self.accepted_texts_log}",
                *self.provider_arguments,
            ],
            port=self.ports.provider,
            environment=self._provider_environment(),
        )
        webhook = self._arrears("webhook", f"--port={self.ports.webhook}", port=self.ports.webhook)
        desk = self._arrears("desk", f"--port={self.ports.desk}", port=self.ports.desk)
        self._arrears("worker", f"--concurrency={WORKER_PROCESSES}")
        self.processes.wait_until_ready(provider, webhook, desk)

    def start_flower(self) -> None:
        """Start Flower, for whoever looks at the tasks: it shows those that begin from now on."""
        self._arrears(
            "flower",
            f"--port={self.ports.flower}",
            port=self.ports.flower,
            environment={**self.environment, "FLOWER_BASIC_AUTH": self._flower_login},
        )

    def start_api(self) -> None:
        """Start the API that gives numbers to dialers: the day itself needs none."""
        api = self._arrears("api", f"--port={self.ports.api}", port=self.ports.api)
        self.processes.wait_until_ready(api)

    def start_beat(self) -> None:
        """Start beat: from now on the periodic tasks run."""
        self._arrears("beat")

    def _arrears(
        self,
        *arguments: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ManagedProcess:
        return self.processes.start(
            arguments[0], [*ARREARS, *arguments], port=port, environment=environment
        )

    def _provider_environment(self) -> dict[str, str]:
        # Not in the common environment: the product refuses variables that are not its settings.
        secret = self.environment[_SECRETS[self.book.provider]]
        return {**self.environment, TOKEN_VARIABLE: secret}


@contextmanager
def new_installation(environ: Mapping[str, str], book: DemoBook) -> Iterator[Installation]:
    """An installation without data and processes, whose clock shows the morning of the book.

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
        ports = Ports(*(free_port() for _ in fields(Ports)))
        settings = _settings(directory, book, ports)
        # Without SQLAlchemy's name of the driver, so that psql accepts it too.
        url = database_url.replace("postgresql+psycopg2://", "postgresql://", 1)
        settings |= {"DATABASE_URL": url, "REDIS_URL": redis_url}
        of_provider = _of_tencent if book.provider == "tencent" else _of_twilio
        more_settings, arguments = of_provider(directory, book, ports)
        settings |= more_settings
        settings["ARREARS_TOKEN_FILE"] = str(token_of(directory, WHOEVER))
        environment = _inherited(environ) | settings
        _move_clock(directory, book.morning)
        ctx = build_context(load_settings(environment)).acting(actors.ARREARS)
        stack.callback(ctx.engine.dispose)
        processes = stack.enter_context(ProcessGroup(directory, environment))
        installation = Installation(
            book, directory, ctx, environment, arguments, ports, processes, external_servers
        )
        _write_environment(
            installation.environment_file,
            {**settings, API_VARIABLE: _http(ports.api), DESK_VARIABLE: _http(ports.desk)},
        )
        yield installation


def _names_external_servers(environ: Mapping[str, str]) -> bool:
    named = [name for name in SHARED if environ.get(name)]
    if len(named) == 1:
        [other] = set(SHARED) - set(named)
        raise ArrearsError(
            "{named} is set and {other} is not. Set both to use servers of your own, or neither to "
            "let the demo start its own.",
            named=named[0],
            other=other,
        )
    return bool(named)


def _refuse_settings_of_a_demo(environ: Mapping[str, str]) -> None:
    """The servers that such settings name are those of the other demo, or are gone with it."""
    clock = environ.get("ARREARS_CLOCK_FILE", "")
    if Path(clock).parent.name.startswith(DEMO_DIRECTORY):
        raise ArrearsError(
            "This shell has the settings of a demo that runs. Open a new shell, and start this "
            "demo there."
            if Path(clock).exists()
            else "This shell has the settings of a demo that was stopped. Open a new shell, and "
            "start this demo there."
        )


def _refuse_busy_broker(redis_url: str) -> None:
    assert_broker_reachable(redis_url)
    if any(queue_depths(redis_url).values()):
        raise ArrearsError(
            "Messages wait in the broker that REDIS_URL names: another installation uses it. "
            "Name a broker for the demo alone, or unset DATABASE_URL and REDIS_URL."
        )


def _settings(directory: Path, book: DemoBook, ports: Ports) -> dict[str, str]:
    return {
        "ARREARS_ENCRYPTION_KEYS": Cipher.new_key(),
        "ARREARS_LENDER": book.lender,
        "ARREARS_LENDER_PHONE": book.lender_phone,
        "ARREARS_ZONE": book.zone,
        "ARREARS_PUBLIC_URL": _http(ports.webhook),
        "ARREARS_CLOCK_FILE": str(_clock_file(directory)),
        "ARREARS_SENDING_COUNTER_FILE": str(directory / "sending-counter"),
        "ARREARS_SCAN_SECONDS": str(SCAN_SECONDS),
        "ARREARS_LEASE_SECONDS": str(LEASE_SECONDS),
        "ARREARS_EVENTS_IN_SECRETS": f"{MACHINE}: {_new_event_secret()}",
        # All requests stay on this machine: use no proxy.
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }


def _new_event_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(24)).decode()


def _of_twilio(
    directory: Path, book: DemoBook, ports: Ports
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The settings of simulated Twilio, and the options of its program."""
    settings = {
        "TWILIO_ACCOUNT_SID": twilio.ACCOUNT_SID,
        "TWILIO_AUTH_TOKENS": secrets.token_hex(16),
        "TWILIO_FROM": "+15005550006",  # Twilio's own number for tests
        "TWILIO_API_BASE": _http(ports.provider),
    }
    return settings, ()


def _of_tencent(
    directory: Path, book: DemoBook, ports: Ports
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The settings of simulated Tencent Cloud, where all texts are registered, and its options."""
    token = secrets.token_urlsafe(16)
    policy = directory / "policy"
    templates = policy_with_registered_texts(policy)
    settings = {
        "ARREARS_POLICY_DIR": str(policy),
        "ARREARS_SMS_ROUTES": "*: tencent",
        "TENCENT_SECRET_ID": tencent.SECRET_ID,
        "TENCENT_SECRET_KEY": secrets.token_hex(16),
        "TENCENT_SDK_APP_ID": tencent.SDK_APP_ID,
        "TENCENT_SIGN_NAME": book.lender,
        "TENCENT_CALLBACK_TOKENS": token,
        "TENCENT_API_BASE": _http(ports.provider),
    }
    callbacks = f"{_http(ports.webhook)}/webhooks/tencent/{token}"
    registered = [f"--template={id}:{values}" for id, values in templates.items()]
    return settings, (f"--status-url={callbacks}/status", *registered)


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
