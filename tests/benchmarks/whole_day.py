"""A day's work: does it grow with the book, or with what is due, and what memory does it take?"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.book import a_book
from tests.benchmarks.days import Day, deciders, peak_memory_of
from tests.benchmarks.figures import Figure, Target, rates, ratios
from tests.benchmarks.measuring import Contender, note, take_turns
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size
from tests.support.commands import Process

PROCESSES = 2
HARDLY_MORE = Target(1.15, at_least=False)
A_LITTLE = Target(20, at_least=False)


def measure(places: Places, size: Size) -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="arrears-bench-")))
        days = {
            loans: _Shift(
                Day(places, stack.enter_context(a_book(places, loans, size.due)), size.due), folder
            )
            for loans in size.books
        }
        seconds = take_turns(
            [
                Contender(f"{loans:,} loans", shift.day.run, shift.begin, shift.end)
                for loans, shift in days.items()
            ],
            size.day_rounds,
        )
        usual = max(shift.memory for shift in days.values())
    crowded = _memory_of_a_crowded_day(places, size)
    *_, large, largest = seconds.values()
    return [
        ratios(
            f"the whole day, {size.books[-1]:,} loans against {size.books[-2]:,}",
            largest,
            large,
            HARDLY_MORE,
            key="book_growth",
        ),
        Figure(
            f"peak memory of any worker process, {size.crowded_due:,} due against {size.due:,}",
            "MB",
            (crowded - usual,),
            A_LITTLE,
            key="memory_growth_mb",
        ),
        Figure(f"peak memory of any worker process, {size.due:,} due", "MB", (usual,)),
        *(
            rates(f"announced and decided, {size.due:,} due of {name}", "loans/s", size.due, runs)
            for name, runs in seconds.items()
        ),
        *(
            Figure(f"the whole day, {size.due:,} due of {name}", "s", tuple(runs))
            for name, runs in seconds.items()
        ),
    ]


@dataclass(slots=True)
class _Shift:
    """A day with workers of its own, who come in the morning and go home in the evening."""

    day: Day
    folder: Path
    memory: float = 0.0
    """MB: the most that any of its processes ever had."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _worker: Process | None = None

    def begin(self) -> None:
        self.day.make_ready()
        workers = deciders(self.day.places, self.day.house, PROCESSES, self.folder)
        self._worker = self._stack.enter_context(workers)

    def end(self) -> None:
        try:
            if self._worker:
                self.memory = max(self.memory, peak_memory_of(self._worker))
            self.day.check()
        finally:
            self._stack.close()


def _memory_of_a_crowded_day(places: Places, size: Size) -> float:
    """MB, on a day with ten times as many due, of a book in which nearly all are."""
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder,
        a_book(places, size.crowded_due, size.crowded_due) as house,
    ):
        shift = _Shift(Day(places, house, size.crowded_due), Path(folder))
        shift.begin()
        try:
            shift.day.run()
        finally:
            shift.end()
        note(f"{size.crowded_due:,} due took {shift.memory:.0f} MB")
        return shift.memory
