"""Is it as fast as the ground it stands on? The same day, done by others and by PostgreSQL alone.

Everybody begins with a fresh copy of one book, and what each has written is compared row by row.
"""

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks import wanted
from tests.benchmarks.book import a_book, decide, due_ids
from tests.benchmarks.days import Day, deciders, until_decided
from tests.benchmarks.figures import Figure, Target, rates, ratios
from tests.benchmarks.measuring import Contender, note, take_turns
from tests.benchmarks.places import Places, run_outside_transactions
from tests.benchmarks.sizes import Size
from tests.support.commands import eventually, running
from workers.context import Context

TEXTBOOKS = ("celery", "dramatiq", "huey", "procrastinate")
AUTO = "arrears, processes: 2"
SQL = "INSERT … SELECT"

TARGETS = {
    "auto_vs_best_peer": Target(10, at_least=True),
    "auto_vs_textbook_celery": Target(15, at_least=True),
    "auto_vs_bulk_insert": Target(0.25, at_least=True),
}


def measure(places: Places, size: Size) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder:
        by_name = _a_day(places, size, Path(folder))
    auto, sql = by_name[AUTO], by_name[SQL]
    # Of each round, the peer that was fastest in it.
    best = [
        min(runs) for runs in zip(*(by_name[f"textbook {name}"] for name in TEXTBOOKS), strict=True)
    ]
    compared = {
        "auto_vs_best_peer": (best, auto, "against the best textbook peer"),
        "auto_vs_textbook_celery": (by_name["textbook celery"], auto, "against textbook Celery"),
        "auto_vs_bulk_insert": (sql, auto, "against PostgreSQL's own INSERT … SELECT"),
    }
    return [
        *(
            ratios(what, over, under, TARGETS[key], key=key)
            for key, (over, under, what) in compared.items()
        ),
        *(rates(name, "loans/s", size.peer_due, runs) for name, runs in by_name.items()),
    ]


def _a_day(places: Places, size: Size, folder: Path) -> dict[str, list[float]]:
    with a_book(places, size.peer_loans, size.peer_due) as ctx:
        template = Template(places, ctx, size.peer_due, folder)
        template.make()
        contenders = [
            *(template.arrears(f"arrears, processes: {n}", n) for n in size.peer_processes),
            *(template.textbook(name) for name in TEXTBOOKS),
            Contender(SQL, template.write_by_sql, template.copy, template.check),
        ]
        return take_turns(contenders, size.peer_rounds, warm_up=False)


@dataclass(slots=True)
class Template:
    """A book from which everybody gets a copy, and with it the rows that the day must write."""

    places: Places
    original: Context
    due: int
    folder: Path
    _name: str = "arrears_bench_copy"
    open: ExitStack = field(default_factory=ExitStack)
    _of_copy: Context | None = None

    def make(self) -> None:
        note("writing what is wanted")
        url = self.original.settings.database_url
        decide(self.original, due_ids(self.original))
        wanted.keep(url)
        import_module("tests.benchmarks.textbook.on_procrastinate").apply_schema(url)
        Day(self.places, self.original, self.due).make_ready()
        self.original.engine.dispose()

    @property
    def url(self) -> str:
        url = self.original.engine.url.set(database=self._name)
        return url.render_as_string(hide_password=False)

    def copy(self) -> None:
        """A fresh copy of the book, and an empty broker."""
        self.places.broker().flushall()
        run_outside_transactions(
            self.places.server_url,
            f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self.original.engine.url.database}"
            " STRATEGY FILE_COPY",
            "CHECKPOINT",
        )
        os.sync()  # as `vacuum_and_flush` does: a copy is as much for the kernel to write

    def check(self) -> None:
        self.open.close()
        wanted.assert_written(self.url)

    def write_by_sql(self) -> None:
        wanted.write_by_sql(self.url)

    def arrears(self, name: str, processes: int) -> Contender:
        """Arrears as it ships, with so many worker processes."""

        def before() -> None:
            ctx = self._open_copy()
            self.open.enter_context(deciders(self.places, ctx, processes, self.folder))

        def work() -> None:
            Day(self.places, self.of_copy, self.due).run()

        return Contender(name, work, before, self.check)

    def textbook(self, name: str) -> Contender:
        """The textbook's way, on this queue."""
        module: Any = import_module(f"tests.benchmarks.textbook.on_{name}")

        def before() -> None:
            self._open_copy()
            self.begin(module)

        def work() -> None:
            module.announce(due_ids(self.of_copy), self.url)
            until_decided(self.of_copy, self.due)

        return Contender(f"textbook {name}", work, before, self.check)

    @property
    def of_copy(self) -> Context:
        """The context of the copy that is open."""
        assert self._of_copy is not None
        return self._of_copy

    def _open_copy(self) -> Context:
        self.copy()
        self._of_copy = self.open.enter_context(self.places.ctx(self.url))
        return self._of_copy

    def begin(self, module: Any) -> None:
        """Start the module's worker processes; they are ready when this returns."""
        for number, program in enumerate(module.commands):
            log = self.folder / f"{module.__name__}-{number}-{time.monotonic_ns()}.log"
            worker = self.open.enter_context(
                running(environment=self.places.at(self.url), log=log, program=program)
            )
            eventually(f"{module.__name__} is ready", lambda: module.READY in worker.output)  # noqa: B023 - asked at once
