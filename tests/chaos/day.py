"""One chaotic day, from the first process to the verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from tests.chaos.book import TODAY, make_book, write_book
from tests.chaos.fault_injector import FaultInjector
from tests.chaos.installation import Installation, new_installation
from tests.chaos.verdict import Verdict, give_verdict, texts_by_number, unfinished
from tests.support.environment import KEY
from workers.clock import Clock
from workers.db.encryption import Cipher

LOOK_EVERY = 0.5
SAY_EVERY = 5.0
ENOUGH = 0.9
"""The part of the texts after which nothing more is broken, and the day may come to its end."""
AT_REST_AFTER = 5.0
"""Seconds without a new text after which the clock is helped along: only leases are waited for."""
SKIP = 5.0
"""Seconds by which it is helped along at every look."""


@dataclass(frozen=True, slots=True)
class Day:
    """How large, and how wild."""

    loans: int
    """Owed a text; a tenth as many more are not."""
    seed: int
    every: tuple[float, float]
    """Seconds between two breakages: from, to."""
    within: float
    """Seconds after which what is not done counts as lost."""
    workers: int = 4
    """Each has two processes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and what Arrears went through."""

    verdict: Verdict
    kills: int
    broker_losses: int
    database_restarts: int
    seconds: float


def live_through(day: Day, folder: Path, say: Callable[[str], None]) -> Outcome:
    """The whole day, in `folder`; everything that was started is gone afterwards."""
    book = make_book(day.loans, day.seed)
    with new_installation(folder, day.seed, day.workers) as installation:
        engine = create_engine(installation.database_url, poolclass=NullPool)
        with engine.begin() as connection:
            write_book(connection, Cipher([KEY]), book, Clock().now())
        say(f"{len(book)} loans are on the book, {day.loans} of them are owed a text")
        injector = FaultInjector(installation, day.seed, day.every, say)
        started = time.monotonic()
        for name in installation.commands:
            installation.start(name)
        _watch(day, installation, engine, injector, say)
        seconds = time.monotonic() - started
        installation.stop_all()
        with engine.connect() as connection:
            verdict = give_verdict(book, installation.texts, connection)
    return Outcome(
        verdict,
        injector.kills,
        injector.broker_losses,
        injector.database_restarts,
        round(seconds, 1),
    )


def _watch(
    day: Day,
    installation: Installation,
    engine: Engine,
    injector: FaultInjector,
    say: Callable[[str], None],
) -> None:
    """Break things from the first text until most are out, then wait until all is done."""
    give_up_at = time.monotonic() + day.within
    rest = _Rest()
    said_at, out_when_broken = 0.0, 0
    while time.monotonic() < give_up_at:
        out = texts_by_number(installation.texts).total()
        left = _left(engine)
        if time.monotonic() > said_at + SAY_EVERY:
            said_at = time.monotonic()
            say(f"{out} of {day.loans} texts are with the provider, {left} things are left to do")
        if out < ENOUGH * day.loans:
            # What was started again must have come to work, or it would be broken again and again.
            if out > out_when_broken and injector.go_on(out / day.loans):
                out_when_broken = out
        elif not injector.complete:
            injector.go_on(out / day.loans)
        elif left == 0:
            return
        if rest.lasts(out):
            installation.skip(SKIP)
        time.sleep(LOOK_EVERY)
    say(f"the day was not over after {day.within:.0f} seconds")


def _left(engine: Engine) -> int:
    with engine.connect() as connection:
        return unfinished(connection, TODAY.isoformat())


@dataclass(slots=True)
class _Rest:
    """Whether texts have stopped to go out."""

    out: int = 0
    since: float = 0.0

    def lasts(self, out: int) -> bool:
        if out != self.out:
            self.out, self.since = out, time.monotonic()
        return time.monotonic() > self.since + AT_REST_AFTER
