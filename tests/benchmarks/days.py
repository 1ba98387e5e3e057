"""A day that can be run again and again: all that is due is announced, and real workers decide."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import func, select, text

from tests.benchmarks.book import vacuum_and_flush
from tests.benchmarks.figures import expect
from tests.benchmarks.measuring import peak_memory
from tests.benchmarks.places import Places
from tests.benchmarks.scans import publish
from tests.support.commands import Process, eventually, running
from tests.support.processes import happens
from workers.context import Context
from workers.db.schema import decision, loan
from workers.escalation.scan import scan_portfolio
from workers.queues import Queue

GIVE_UP_AFTER = 900
"""Seconds for all that is due. Whoever waits in vain is told so by the check that follows."""

_FILLED = ("decision", "action", "collection_case", "evidence_due")
# As if nothing had been decided yet. The triggers that keep evidence as it is do not fire for a
# replica, and what is put back is what the day itself changed.
_BACK = (
    "SET LOCAL session_replication_role = replica",
    f"TRUNCATE {', '.join(_FILLED)}, scan_run, announcement CASCADE",
    "UPDATE loan SET review_on = :today"
    " WHERE delinquent_since IS NOT NULL AND review_on IS DISTINCT FROM :today",
    # What was written yesterday counts as changed though it is gone, so autovacuum would analyse
    # these tables while they are empty. PostgreSQL would then read them through for each reference
    # until it comes again, a minute later; in an installation they are never emptied.
    *(f"ALTER TABLE {table} SET (autovacuum_enabled = off)" for table in _FILLED),
)


@dataclass(slots=True)
class Day:
    """The first day of an installation, with so many loans due."""

    places: Places
    ctx: Context
    due: int

    def make_ready(self) -> None:
        """Put the book back to the morning, as autovacuum and the checkpointer leave it."""
        self.places.broker().flushall()
        with self.ctx.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in _BACK:
                connection.execute(text(statement), {"today": self.ctx.today()})
        vacuum_and_flush(self.ctx.settings.database_url)

    def run(self) -> None:
        """Scan and announce, and wait until the workers have put every decision on record."""
        expect("loans announced", scan_portfolio(self.ctx, publish).loans, self.due)
        until_decided(self.ctx, self.due)

    def check(self) -> None:
        """Raises WrongResultError unless each loan that was due was decided, once."""
        expect("decisions on record", decided(self.ctx), self.due)
        left = select(func.count()).select_from(loan).where(loan.c.review_on <= self.ctx.today())
        with self.ctx.engine.connect() as connection:
            expect("loans still due", connection.execute(left).scalar_one(), 0)


def decided(ctx: Context) -> int:
    """How many decisions are on record."""
    with ctx.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(decision)).scalar_one()


def until_decided(ctx: Context, many: int) -> None:
    """Wait until so many decisions are on record."""
    happens(lambda: decided(ctx) >= many, within=GIVE_UP_AFTER)


def deciders(
    places: Places, ctx: Context, processes: int, folder: Path
) -> AbstractContextManager[Process]:
    """So many worker processes that decide and do nothing else, as an installation has them."""
    return serving(places, ctx, Queue.ESCALATE, processes, folder, "--nice=10")


@contextmanager
def serving(
    places: Places, ctx: Context, queue: str, processes: int, folder: Path, *options: str
) -> Iterator[Process]:
    """So many worker processes for one queue, ready for their first message."""
    command = ("worker", f"--name={queue}", f"--queues={queue}", f"--concurrency={processes}")
    environment = places.at(ctx.settings.database_url)
    log = folder / f"{queue}-{time.monotonic_ns()}.log"
    with running(*command, *options, environment=environment, log=log) as worker:
        eventually(f"a worker for {queue} is ready", lambda: " ready." in worker.output)
        yield worker


def peak_memory_of(worker: Process) -> dict[str, float]:
    """MB: the most that each of the worker's processes ever had resident."""
    top = psutil.Process(worker.pid)
    children = top.children(recursive=True)
    return {"parent": peak_memory(top.pid)} | {
        f"child {nr}": peak_memory(child.pid) for nr, child in enumerate(children, 1)
    }
