"""A day that can be run again and again: all that is due is announced, and real workers decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import func, select, text

from tests.benchmarks.book import settle
from tests.benchmarks.figures import expect
from tests.benchmarks.measuring import peak_memory
from tests.benchmarks.places import Places
from tests.benchmarks.scans import publish
from tests.support.commands import Process, eventually, running
from workers.house import House
from workers.queues import Queue
from workers.scanning import Scanned, scan_portfolio
from workers.store.schema import decision, loan

LOOK_EVERY = 0.05
"""Seconds between two looks whether all is decided: what a figure may be too long by."""
GIVE_UP_AFTER = 900

# As if nothing had been decided yet. The triggers that keep evidence as it is do not fire for a
# replica, and what is put back is what the day itself changed.
_BACK = (
    "SET LOCAL session_replication_role = replica",
    "TRUNCATE decision, action, collection_case, evidence_due, scan_run, announcement CASCADE",
    "UPDATE loan SET review_on = :today"
    " WHERE anchor_on IS NOT NULL AND review_on IS DISTINCT FROM :today",
)


@dataclass(slots=True)
class Day:
    """The first day of a house, with so many loans due."""

    places: Places
    house: House
    due: int
    scanned: Scanned | None = None
    announced_after: float = field(default=0.0)
    """Seconds."""

    def make_ready(self) -> None:
        """Put the book back to the morning, as autovacuum and the checkpointer leave it."""
        self.places.broker().flushall()
        with self.house.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in _BACK:
                connection.execute(text(statement), {"today": self.house.today()})
        settle(self.house.settings.database_url)

    def run(self) -> None:
        """Scan and announce, and wait until the workers have put every decision on record."""
        started = time.perf_counter()
        self.scanned = scan_portfolio(self.house, publish)
        self.announced_after = time.perf_counter() - started
        expect("loans announced", self.scanned.loans, self.due)
        wait_until(lambda: decided(self.house) >= self.due)

    def check(self) -> None:
        """Raises WrongResultError unless each loan that was due was decided, once."""
        expect("decisions on record", decided(self.house), self.due)
        left = select(func.count()).select_from(loan).where(loan.c.review_on <= self.house.today())
        with self.house.engine.connect() as connection:
            expect("loans still due", connection.execute(left).scalar_one(), 0)


def decided(house: House) -> int:
    """How many decisions are on record."""
    with house.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(decision)).scalar_one()


def wait_until(holds: Callable[[], bool]) -> None:
    """Look often until it holds; after a long while, stop looking: the check will say."""
    give_up_at = time.perf_counter() + GIVE_UP_AFTER
    while not holds() and time.perf_counter() < give_up_at:
        time.sleep(LOOK_EVERY)


@contextmanager
def deciders(places: Places, house: House, processes: int, folder: Path) -> Iterator[Process]:
    """So many worker processes that decide and do nothing else, ready for their first message."""
    command = ("worker", f"--queues={Queue.ESCALATE}", f"--concurrency={processes}", "--nice=10")
    environment = places.at(house.settings.database_url)
    log = folder / f"worker-{time.monotonic_ns()}.log"
    with running(*command, environment=environment, log=log) as worker:
        eventually("the worker is ready", lambda: " ready." in worker.output)
        yield worker


def peak_memory_of(worker: Process) -> float:
    """MB: the most that any of the worker's processes ever had resident."""
    top = psutil.Process(worker.pid)
    return max(peak_memory(one.pid) for one in (top, *top.children(recursive=True)))
