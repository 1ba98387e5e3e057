"""Where a scenario runs: real servers and processes, and a clock that the test moves."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import redis
from sqlalchemy import Connection, Engine, and_, create_engine, func, or_, select

from domain.actions import CLAIMABLE, ActionStatus
from domain.actors import Actor
from domain.messages import MessageStatus
from tests.crash_points.ends import End, end_state
from tests.crash_points.ground import Ground, a_ground
from tests.crash_points.points import Folder
from tests.crash_points.scenario import (
    FROM_OUTSIDE,
    NO_RECEIPT,
    ZONE,
    approve_what_waits,
    come_in,
    open_book,
    write_book,
)
from tests.support.acting import acting
from tests.support.loans import Book
from tests.support.messages import messages_left
from tests.support.receiver import SECRET, lenders_systems
from tests.support.timetable import Timetable
from workers import queues
from workers.clock import Clock, write_offset
from workers.db.schema import action, inbox_event, loan, message, outbox_event
from workers.simulator.demo.installation import ARREARS
from workers.simulator.providers.twilio import ACCOUNT_SID, SimulatedTwilio
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker
from workers.simulator.servers.processes import ProcessGroup
from workers.sms.decide_unconfirmed import mark_unsent

SETTLED_WITHIN = 60.0
"""Seconds that one scenario may take; one or two are the rule."""

LEASE = timedelta(seconds=30)
PARK_AFTER = timedelta(seconds=120)

WORKER = [
    *(sys.executable, "-m", "celery", "--app=tests.crash_points.app", "--quiet", "worker"),
    f"--queues={','.join(queues.QUEUES)}",
    # One process that works, and one that starts another when it is lost.
    *("--concurrency=1", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    "--loglevel=INFO",
]


@dataclass(slots=True)
class Stage:
    """One worker, one webhook, one provider and one broker, for one scenario after another."""

    ground: Ground
    engine: Engine
    begins_at: datetime
    broker: redis.Redis
    timetable: Timetable
    twilio_port: int
    texts: Counter[str] = field(default_factory=Counter)
    """How often each number was texted in the last scenario, by the provider's own count."""

    def play(self, crash_at: Sequence[str] = ()) -> End:
        """The whole scenario on a book of its own; a worker dies at each point that is named."""
        self._begin(crash_at)
        with SimulatedTwilio(log=self._log, auth_token="secret", port=self.twilio_port) as twilio:
            book = open_book(self.engine, self.ground.clock_file)
            self._work_until_settled(book)
            for events in FROM_OUTSIDE:
                come_in(book, events)
                self._work_until_settled(book)
            self.texts = Counter(text.to for text in twilio.accepted_texts())
        with self.engine.connect() as connection:
            return end_state(connection)

    @property
    def folder(self) -> Folder:
        return self.ground.folder

    @property
    def _log(self) -> Path:
        return self.folder.path / "texts.jsonl"

    def _begin(self, crash_at: Sequence[str]) -> None:
        self._wait_until_idle()
        self.broker.flushall()
        self.engine.dispose()
        self._log.unlink(missing_ok=True)
        self.ground.begin(self.begins_at, crash_at)

    def _work_until_settled(self, book: Book) -> None:
        give_up_at = time.monotonic() + SETTLED_WITHIN
        while True:
            self.timetable.tick()
            self._wait_until_idle()
            approve_what_waits(book)
            with self.engine.connect() as connection:
                left = _left_to_do(connection, book.ctx.now())
                parked = _parked(connection)
            if not left:
                return
            assert time.monotonic() < give_up_at, f"still to do: {left}"
            for text in parked:
                # What a person says who asked the provider, and it knows of no such text.
                mark_unsent(acting(book.ctx, Actor("tester")), text)
            # Leases lapse and repairs fall due without anybody waiting for them.
            lapsed = LEASE + timedelta(seconds=1)
            write_offset(self.ground.clock_file, book.ctx.now() - Clock().now() + lapsed)

    def _wait_until_idle(self) -> None:
        give_up_at = time.monotonic() + SETTLED_WITHIN
        quiet = 0
        # A message is in no list for a moment while a worker takes it: one look is not enough.
        while quiet < 2:
            quiet = 0 if messages_left(self.broker) else quiet + 1
            assert time.monotonic() < give_up_at, (
                f"{messages_left(self.broker)} messages are not dealt with"
            )
            time.sleep(0.01)


@contextmanager
def a_stage(server_url: str, migrated_template: str, folder: Path) -> Iterator[Stage]:
    """A stage, with its processes running; they are gone when the context is left."""
    with ExitStack() as stack:
        ground = stack.enter_context(a_ground(server_url, migrated_template, folder))
        broker = stack.enter_context(LocalBroker())
        twilio_port, webhook_port = free_port(), free_port()
        environment = ground.environment(
            ZONE,
            REDIS_URL=broker.url,
            ARREARS_LEASE_SECONDS=f"{LEASE.total_seconds():.0f}",
            ARREARS_PARK_AFTER_SECONDS=f"{PARK_AFTER.total_seconds():.0f}",
            ARREARS_PUBLIC_URL=f"http://{LOOPBACK}:{webhook_port}",
            TWILIO_ACCOUNT_SID=ACCOUNT_SID,
            TWILIO_API_BASE=f"http://{LOOPBACK}:{twilio_port}",
            ARREARS_EVENTS_OUT_URL=stack.enter_context(lenders_systems()).url,
            ARREARS_EVENTS_OUT_SECRETS=SECRET,
        )
        engine = create_engine(ground.url)
        stack.callback(engine.dispose)
        processes = stack.enter_context(ProcessGroup(folder, environment))
        webhook = [*ARREARS, "webhook", f"--port={webhook_port}"]
        processes.start("worker", WORKER)
        processes.wait_until_ready(processes.start("webhook", webhook, port=webhook_port))
        yield Stage(
            ground=ground,
            engine=engine,
            begins_at=ground.write(write_book),
            broker=stack.enter_context(redis.Redis.from_url(broker.url)),
            timetable=stack.enter_context(closing(Timetable(broker.url))),
            twilio_port=twilio_port,
        )


def _left_to_do(connection: Connection, now: datetime) -> dict[str, int]:
    """What is not settled yet, and how much of it."""
    due = and_(action.c.status.in_(CLAIMABLE), action.c.due_at <= now)
    open_ended = action.c.status.in_((ActionStatus.CLAIMED, ActionStatus.UNKNOWN))
    on_its_way = message.c.status.in_(
        (MessageStatus.RESERVED, MessageStatus.UNKNOWN, MessageStatus.PARKED)
    )
    without_receipt = and_(
        message.c.status.in_((MessageStatus.ACCEPTED, MessageStatus.SENT)),
        loan.c.external_id.not_in(NO_RECEIPT),
    )
    texts = message.join(action, action.c.id == message.c.action_id).join(
        loan, loan.c.id == action.c.loan_id
    )
    questions = {
        "loans": select(loan.c.id).where(loan.c.review_on <= now.date()),
        "actions": select(action.c.id).where(or_(due, open_ended)),
        "texts": select(message.c.id).select_from(texts).where(or_(on_its_way, without_receipt)),
        "events in": select(inbox_event.c.id).where(inbox_event.c.status == "received"),
        "events out": select(outbox_event.c.id).where(outbox_event.c.status == "waiting"),
    }
    counts = {
        what: connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
        for what, rows in questions.items()
    }
    return {what: count for what, count in counts.items() if count}


def _parked(connection: Connection) -> list[UUID]:
    parked = select(message.c.id).where(message.c.status == MessageStatus.PARKED)
    return list(connection.execute(parked).scalars())
