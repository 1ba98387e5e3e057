"""The processes and people of an installation whose database will be lost."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from twilio.request_validator import RequestValidator

from domain.errors import ArrearsError
from tests.chaos.book import TODAY, ZONE
from tests.drill.postgres import DATABASE, OWNER, PASSWORD, LosablePostgres
from tests.support.commands import Process, arrears, granted, python
from tests.support.compose import ROOT
from tests.support.environment import KEY, an_environment
from tests.support.lender import SECRET, an_event, signed
from tests.support.receiver import LendersSystems, lenders_systems
from workers.clock import Clock, write_offset
from workers.db.encryption import Cipher
from workers.db.encryption_keys import read_index_key
from workers.db.roles import Role
from workers.simulator.providers.accepted_texts import AcceptedText
from workers.simulator.providers.twilio import ACCOUNT_SID, SimulatedTwilio
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker

PATIENCE = 120.0
"""Seconds that anything may take; most take a few."""
CORE = "core"
"""The lender's core system, which sends payments."""
ASKED = "events.resend"
"""The event out with which a recovery asks for the events again."""

NOT_OF_WEBHOOK = (
    *("ARREARS_ENCRYPTION_KEYS", "ARREARS_JOURNAL_FILE"),
    *("ARREARS_EVIDENCE_FILE", "ARREARS_SENDING_COUNTER_FILE"),
)


@dataclass(slots=True)
class Installation:
    """Its database can be lost; everything else stays, as the files outside the database do."""

    folder: Path
    postgres: LosablePostgres
    environment: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]
    twilio: SimulatedTwilio
    lender: LendersSystems
    processes: list[Process] = field(default_factory=list)
    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the core system has sent: by the id of the event."""
    texts_before: int = 0
    """How many texts were out when the database was lost."""
    database: str = DATABASE
    secrets: dict[str, str] = field(default_factory=dict)
    """Those that the database makes a part of: made once, and kept outside it."""

    def start(self) -> None:
        """Start every process, each with the role of the database that it has in production."""
        for name, command in self.commands.items():
            environment = self._for_webhook() if name == "webhook" else self.environment
            log = self.folder / f"{name}.log"
            self.processes.append(Process(*command, environment=environment, log=log))

    def _for_webhook(self) -> dict[str, str]:
        """It stores what comes in, can decrypt nothing, and records no facts."""
        if "ARREARS_WEBHOOK_KEY" not in self.secrets:
            self.secrets["ARREARS_WEBHOOK_KEY"] = self.run("keys", "webhook").stdout.strip()
        url = self.postgres.url_of(f"{DATABASE}_{Role.WEBHOOK}")
        given = {**self.environment, **self.secrets, "DATABASE_URL": url}
        return {name: value for name, value in given.items() if name not in NOT_OF_WEBHOOK}

    def stop(self) -> None:
        """Kill every process: none may finish anything when the database is lost."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):  # it has ended before
                process.kill()
        self.processes.clear()

    def set_clock(self, moment: str) -> None:
        """Move the clock of all processes to a moment of the day, in the lender's zone."""
        write_offset(Path(self.environment["ARREARS_CLOCK_FILE"]), _offset_to(moment))

    def now(self) -> datetime:
        return Clock(Path(self.environment["ARREARS_CLOCK_FILE"])).now()

    def cipher(self) -> Cipher:
        """What encrypts for the database; its key of the blind indexes is in the database."""
        engine = create_engine(self.environment["DATABASE_URL"], poolclass=NullPool)
        return Cipher([KEY], partial(read_index_key, engine))

    def migrate(self) -> None:
        """Make the tables and the roles, as the owner."""
        passwords = self.folder / "passwords"
        passwords.mkdir(exist_ok=True)
        for role in Role:
            (passwords / f"{role}_password").write_text(PASSWORD)
        environment = {**self.environment, "DATABASE_URL": self.postgres.url_of(OWNER)}
        command = ("-m", "workers.cli.main", "migrate", f"--passwords={passwords}")
        done = python(environment, *command)
        if done.returncode:
            raise ArrearsError("The database was not migrated: {why}", why=done.stderr)

    def for_people(self) -> dict[str, str]:
        """The settings of whoever types: commands have a role of their own in the database."""
        return {**self.environment, "DATABASE_URL": self.postgres.url_of(f"{DATABASE}_cli")}

    def run(self, *command: str, by: str = "c-1") -> CompletedProcess[str]:
        """Run a command as a member of staff."""
        return arrears(self.for_people(), *command, by=by)

    def run_by_two(self, *command: str) -> CompletedProcess[str]:
        """Run a command that a second person grants.

        Raises:
            ArrearsError: it was refused.
        """
        done = granted(self.for_people(), *command)
        if done.returncode:
            raise ArrearsError("{command}: {why}", command=" ".join(command), why=done.stderr)
        return done

    def values(self, query: str, **parameters: object) -> list[Any]:
        """The first column of a query, as whoever makes back-ups reads it."""
        engine = create_engine(self.postgres.url_of(f"{DATABASE}_backup"), poolclass=NullPool)
        with engine.connect() as connection:
            return list(connection.execute(text(query), parameters).scalars())

    def value(self, query: str, **parameters: object) -> Any:
        """The only value of a query."""
        [value] = self.values(query, **parameters)
        return value

    def wait_for(self, what: str, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until it is so.

        Raises:
            ArrearsError: it never was.
        """
        give_up_at = time.monotonic() + within
        while not holds():
            if time.monotonic() > give_up_at:
                raise ArrearsError("It never came to this: {what}.", what=what)
            time.sleep(0.2)

    def texts_of(self) -> list[str]:
        """The numbers that the provider sent a text to, once for each text, in order."""
        return [accepted.to for accepted in self.twilio.accepted_texts()]

    def write_stop(self, number: str, *, arrives: bool = True) -> None:
        """A borrower writes STOP. The provider has it, and calls the webhook, if it runs."""
        url = f"{self.environment['ARREARS_PUBLIC_URL']}/webhooks/twilio/inbound"
        sid, to = f"SM{uuid4().hex}", self.environment["TWILIO_FROM"]
        at = datetime.now(UTC)
        self.twilio.take_in(AcceptedText(sid, to, number, "STOP", None, at, is_inbound=True))
        if arrives:
            form = {"MessageSid": sid, "From": number, "To": to, "Body": "STOP"}
            token = self.environment["TWILIO_AUTH_TOKENS"]
            signature = RequestValidator(token).compute_signature(url, form)
            self._post(url, urlencode(form).encode(), {"X-Twilio-Signature": signature})

    def pay(self, payment: str, loan: str, amount: str) -> None:
        """The core system sends a payment."""
        facts = {"payment": payment, "loan": loan, "amount": amount, "currency": "USD"}
        self.posted[f"evt-{payment}"] = an_event(**facts, paid_on=TODAY.isoformat())
        self._send(f"evt-{payment}", self.posted[f"evt-{payment}"])

    def answer_recovery(self) -> int:
        """The core system does as `events.resend` asks; returns how many events it sent again."""
        asked = [event.payload["data"] for event in self.lender.got if event.kind == ASKED]
        if not asked:
            return 0
        for id, event in self.posted.items():
            self._send(id, event)
        self._send("evt-resent", an_event("events_resent", recovery=asked[-1]["recovery"]))
        return len(self.posted)

    def _send(self, id: str, event: Mapping[str, Any]) -> None:
        body = json.dumps(event).encode()
        url = f"{self.environment['ARREARS_PUBLIC_URL']}/events"
        self._post(url, body, signed(body, self.now(), id=id))

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        with urlopen(Request(url, body, dict(headers)), timeout=30) as answer:  # noqa: S310
            answer.read()


@contextmanager
def new_installation(folder: Path) -> Iterator[Installation]:
    """An installation with an empty database; none of its processes runs yet."""
    with ExitStack() as stack:
        postgres = stack.enter_context(LosablePostgres())
        broker = stack.enter_context(LocalBroker())
        lender = stack.enter_context(lenders_systems())
        webhook = free_port()
        environment = _environment(folder, postgres, broker.url, webhook, lender.url)
        twilio = stack.enter_context(
            SimulatedTwilio(
                log=folder / "texts.jsonl", auth_token=environment["TWILIO_AUTH_TOKENS"]
            )
        )
        installation = Installation(
            folder=folder,
            postgres=postgres,
            environment=environment | {"TWILIO_API_BASE": twilio.url},
            commands={
                "worker-1": ("worker", "--name=worker-1"),
                "beat": ("beat",),
                "webhook": ("webhook", f"--port={webhook}"),
            },
            twilio=twilio,
            lender=lender,
        )
        stack.callback(installation.stop)
        postgres.make_database()
        installation.migrate()
        yield installation


def _environment(
    folder: Path, postgres: LosablePostgres, broker_url: str, webhook: int, lender_url: str
) -> dict[str, str]:
    clock = folder / "clock"
    clock.write_text("0")
    outside = folder / "outside"
    outside.mkdir()
    return {
        **an_environment(postgres.url_of(f"{DATABASE}_worker"), broker_url),
        "PYTHONPATH": str(ROOT),
        "ARREARS_CLOCK_FILE": str(clock),
        "ARREARS_SENDING_COUNTER_FILE": str(outside / "sending-counter"),
        "ARREARS_EVIDENCE_FILE": str(outside / "heads.jsonl"),
        "ARREARS_JOURNAL_FILE": str(outside / "journal.jsonl"),
        "ARREARS_EVENTS_IN_SECRETS": f"{CORE}: {SECRET}",
        "ARREARS_EVENTS_OUT_URL": lender_url,
        "ARREARS_EVENTS_OUT_SECRETS": SECRET,
        "ARREARS_LEASE_SECONDS": "30",
        "ARREARS_PUBLIC_URL": f"http://{LOOPBACK}:{webhook}",
        "ARREARS_SCAN_SECONDS": "3",
        "ARREARS_ZONE": ZONE,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    }


def _offset_to(moment: str) -> timedelta:
    at = datetime.fromisoformat(f"{TODAY} {moment}").replace(tzinfo=ZoneInfo(ZONE))
    return at - Clock().now()
