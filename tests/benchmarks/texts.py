"""What does Arrears's care for a text cost? Its path against a bare loop of the provider's SDK.

Arrears takes a turn, asks the gate under lock, reserves, sends, and records; the loop only sends.
Two processes each, the same HTTP client without kept connections, and the same provider, which
answers at once or after 100 ms. The rate limit is set, so that its cost is counted, and so high
(ARREARS_SMS_PER_SECOND=1000) that no text waits for it. Neither gets any receipts.
"""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.actions import SEND_SMS, ActionStatus
from tests.benchmarks.book import a_book, decide, vacuum_and_flush
from tests.benchmarks.days import GIVE_UP_AFTER
from tests.benchmarks.figures import Figure, Target, expect, rates, ratios
from tests.benchmarks.measuring import Contender, note, take_turns
from tests.benchmarks.places import Places
from tests.benchmarks.provider import SPAWN, Provider, a_provider, send_in_a_loop
from tests.benchmarks.sizes import Size
from tests.support.commands import eventually, running
from tests.support.loans import PHONE
from tests.support.processes import happens
from workers.app import app
from workers.context import Context
from workers.db.due_actions import take_due
from workers.db.schema import action, loan, message
from workers.messaging.publish import announce, for_each
from workers.queues import task_name

PROCESSES = 2
TEXTS = {"small": {0: 200, 100: 30}, "full": {0: 2_000, 100: 500}}
"""How many are sent in one run, by the milliseconds that the provider takes. Fewer where it takes
long: a rate is as good after ten seconds of waiting as after forty."""
ROUNDS = {"small": 1, "full": 3}
PACE = "1000"
LOANS_FOR_A_TEXT = 5
"""Loans in the book for each text: who is long past due is not texted any more."""
NEAR_THE_LOOP = Target(0.7, at_least=True)
LONGEST = 600
"""Seconds after which a run has failed."""

ARREARS, LOOP = "Arrears", "the SDK in a loop"


def measure(places: Places, size: Size) -> list[Figure]:
    texts, rounds = TEXTS[size.name], ROUNDS[size.name]
    loans = LOANS_FOR_A_TEXT * sum(texts.values()) * (rounds + 1)
    with a_book(places, loans, loans) as ctx:
        _decide_all(ctx)
        seconds = {
            wait: _compare(places, ctx, count, wait, rounds) for wait, count in texts.items()
        }
    return [
        *(
            ratios(
                f"texts, Arrears against the SDK in a loop, {wait} ms",
                by_name[LOOP],
                by_name[ARREARS],
                NEAR_THE_LOOP,
                # Of both the harder one: where the provider answers at once.
                key=None if wait else "sms_vs_sdk",
            )
            for wait, by_name in seconds.items()
        ),
        *(
            rates(f"texts, {name}, {wait} ms", "texts/s", texts[wait], runs)
            for wait, by_name in seconds.items()
            for name, runs in by_name.items()
        ),
    ]


def _decide_all(ctx: Context) -> None:
    """Plan the texts of the whole book, and leave its tables as autovacuum would."""
    with ctx.engine.connect() as connection:
        ids = connection.execute(select(loan.c.id).order_by(loan.c.id)).scalars().all()
    decide(ctx, ids)
    vacuum_and_flush(ctx.settings.database_url, "action, decision, loan")


def _compare(
    places: Places, ctx: Context, count: int, wait: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds for so many texts, with a provider that takes so many milliseconds."""
    note(f"{count:,} texts, to a provider that answers after {wait} ms")
    with ExitStack() as stack:
        provider = stack.enter_context(a_provider(wait / 1000))
        stack.enter_context(_senders(places, ctx, provider))
        pool = ProcessPoolExecutor(PROCESSES, mp_context=SPAWN)
        rivals: list[_TextsOfArrears | _TextsOfALoop] = [
            _TextsOfArrears(ctx, provider, count),
            _TextsOfALoop(ctx, provider, count, stack.enter_context(pool)),
        ]
        return take_turns(
            [Contender(rival.name, rival.send, provider.taken, rival.check) for rival in rivals],
            rounds,
        )


@contextmanager
def _senders(places: Places, ctx: Context, provider: Provider) -> Iterator[None]:
    """The worker that sends texts, as an installation has it, ready for its first message."""
    places.broker().flushall()
    environment = places.at(ctx.settings.database_url) | {
        "TWILIO_API_BASE": provider.url,
        "ARREARS_SMS_PER_SECOND": PACE,
    }
    command = ("worker", f"--queues={SEND_SMS.queue}", f"--concurrency={PROCESSES}")
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder,
        running(*command, environment=environment, log=Path(folder) / "worker.log") as worker,
    ):
        eventually("the worker is ready", lambda: " ready." in worker.output)
        yield


@dataclass(slots=True)
class _TextsOfArrears:
    """The next planned texts of the book, each time others."""

    ctx: Context
    provider: Provider
    count: int
    name: str = ARREARS
    _ids: list[int] = field(default_factory=list)

    def send(self) -> None:
        """Announce them as Arrears does, and wait until each is on record as done."""
        lease, now = self.ctx.settings.lease, self.ctx.now()
        with self.ctx.engine.begin() as connection:
            texts = take_due(connection, SEND_SMS, now, again_after=lease, limit=self.count)
        self._ids = list(texts)
        expect("texts that are due", len(self._ids), self.count)
        announce(app, task_name(SEND_SMS.queue, SEND_SMS), for_each(texts))
        give_up_at = time.perf_counter() + LONGEST
        happens(
            lambda: self._done() == self.count or time.perf_counter() > give_up_at,
            within=GIVE_UP_AFTER,
        )

    def check(self) -> None:
        """Raises WrongResultError unless the provider has these very texts, each once."""
        expect("texts on record as sent", self._done(), self.count)
        these = select(message.c.id).where(message.c.action_id == any_(self._these))
        with self.ctx.engine.connect() as connection:
            reserved = sorted(str(id) for id in connection.execute(these).scalars())
        expect("texts on record as reserved", len(reserved), self.count)
        expect("the same texts", sorted(self.provider.taken()) == reserved, True)

    @property
    def _these(self) -> ColumnElement[list[int]]:
        return literal(self._ids, ARRAY(BigInteger))

    def _done(self) -> int:
        done = (action.c.id == any_(self._these)) & (action.c.status == ActionStatus.DONE)
        with self.ctx.engine.connect() as connection:
            return connection.execute(
                select(func.count()).select_from(action).where(done)
            ).scalar_one()


@dataclass(slots=True)
class _TextsOfALoop:
    """As many, from processes that do nothing else."""

    ctx: Context
    provider: Provider
    count: int
    pool: ProcessPoolExecutor
    name: str = LOOP

    def send(self) -> None:
        settings, share = self.ctx.settings, self.count // PROCESSES
        account, sender = str(settings.twilio_account_sid), str(settings.twilio_from)
        said = (account, sender, PHONE["US"], share)
        sent = [self.pool.submit(send_in_a_loop, self.provider, *said) for _ in range(PROCESSES)]
        for sending in sent:
            sending.result(timeout=LONGEST)

    def check(self) -> None:
        taken = self.provider.taken()
        expect("texts that the provider took, of the loop", len(taken), self.count)
        expect("different texts among them", len(set(taken)), self.count)
