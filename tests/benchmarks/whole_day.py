"""A day's work: everything due is announced, and real worker processes decide all of it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from tests.benchmarks.book import a_book
from tests.benchmarks.figures import Figure, expect
from tests.benchmarks.measuring import note
from tests.benchmarks.places import Places
from tests.benchmarks.scans import publish
from tests.benchmarks.sizes import Size
from tests.support.commands import eventually, running
from workers.house import House
from workers.queues import Queue
from workers.scanning import scan_portfolio
from workers.store.schema import decision, loan

PROCESSES = 2
GIVE_UP_AFTER = 600


def measure(places: Places, size: Size) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as directory,
        a_book(places, size.fewer_loans, size.due) as house,
    ):
        places.broker().flushall()
        log = Path(directory) / "worker.log"
        command = ("worker", f"--queues={Queue.ESCALATE}", f"--concurrency={PROCESSES}")
        environment = places.at(house.settings.database_url)
        with running(*command, environment=environment, log=log) as worker:
            eventually("the worker is ready", lambda: " ready." in worker.output)
            return _a_day(house, size.due)


def _a_day(house: House, due: int) -> list[Figure]:
    started = time.perf_counter()
    scanned = scan_portfolio(house, publish)
    announced = time.perf_counter()
    note(f"{scanned.loans:,} loans announced in {scanned.envelopes:,} messages")
    eventually("every due loan is decided", lambda: _left(house) == 0, GIVE_UP_AFTER)
    decided = time.perf_counter()
    with house.engine.connect() as connection:
        decisions = connection.execute(select(func.count()).select_from(decision)).scalar_one()
    expect("loans announced", scanned.loans, due)
    expect("decisions on record", decisions, due)
    what = f"{due:,} due, {PROCESSES} worker processes"
    return [
        Figure(f"announced and decided, {what}", "loans/s", (due / (decided - started),)),
        Figure(f"until all is announced, {what}", "s", (announced - started,)),
        Figure(f"until all is decided, {what}", "s", (decided - started,)),
        Figure("loans a message", "loans", (scanned.loans / scanned.envelopes,)),
    ]


def _left(house: House) -> int:
    due = select(func.count()).select_from(loan).where(loan.c.review_on <= house.today())
    with house.engine.connect() as connection:
        return connection.execute(due).scalar_one()
