"""A day's work: does it grow with the book, or with what is due, and what memory does it take?"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.book import a_book
from tests.benchmarks.days import Day, deciders, peak_memory_of
from tests.benchmarks.figures import Figure, Target, rates, ratios
from tests.benchmarks.measuring import Contender, take_turns
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size
from tests.support.commands import Process

PROCESSES = 2
HARDLY_MORE = Target(1.15, at_least=False)
A_LITTLE = Target(20, at_least=False)

BY_BOOK, BY_DUE = "a day, by loans on the book", "a day, by loans due"
MEMORY = "peak memory of the worker"


def measure(places: Places, size: Size) -> list[Figure]:
    by_book = _days_of_books(places, size)
    by_due = {due: _day_with(places, size.books[-2], due) for due in size.due_counts}
    *_, large, largest = (seconds for seconds, _ in by_book.values())
    _, usual = by_book[size.books[-2]]
    _, crowded = by_due[max(by_due)]
    by_due[size.due] = by_book[size.books[-2]]
    return [
        ratios(
            f"the whole day, {size.books[-1]:,} loans against {size.books[-2]:,}",
            largest,
            large,
            HARDLY_MORE,
            key="book_growth",
        ),
        Figure(
            f"peak memory of any worker process, {max(by_due):,} due against {size.due:,}",
            "MB",
            (max(crowded[name] - usual[name] for name in usual),),
            A_LITTLE,
            key="memory_growth_mb",
        ),
        *(
            Figure(
                f"the whole day, {size.due:,} due of {loans:,} loans",
                "s",
                tuple(seconds),
                curve=BY_BOOK,
                at=loans,
            )
            for loans, (seconds, _) in by_book.items()
        ),
        *(
            Figure(
                f"the whole day, {due:,} due of {size.books[-2]:,} loans",
                "s",
                tuple(seconds),
                curve=BY_DUE,
                at=due,
            )
            for due, (seconds, _) in sorted(by_due.items())
        ),
        *(
            rates(f"announced and decided, {due:,} due", "loans/s", due, seconds)
            for due, (seconds, _) in sorted(by_due.items())
        ),
        *(
            Figure(
                f"{MEMORY}, {name}, {due:,} due", "MB", (most,), curve=f"{MEMORY}, {name}", at=due
            )
            for due, (_, memory) in sorted(by_due.items())
            for name, most in memory.items()
        ),
    ]


Worked = tuple[list[float], Mapping[str, float]]
"""The seconds of days of one kind, and what memory the worker's processes had at most, by name."""


def _days_of_books(places: Places, size: Size) -> dict[int, Worked]:
    """Days on each book, in turns, with as many loans due."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="arrears-bench-")))
        shifts = {
            loans: _Shift(
                Day(places, stack.enter_context(a_book(places, loans, size.due)), size.due), folder
            )
            for loans in size.books
        }
        seconds = take_turns(
            [shift.contender(f"{loans:,} loans") for loans, shift in shifts.items()],
            size.day_rounds,
        )
        return {
            loans: (taken, shifts[loans].memory)
            for loans, taken in zip(size.books, seconds.values(), strict=True)
        }


def _day_with(places: Places, loans: int, due: int) -> Worked:
    """One day on a book of so many loans, with so many due."""
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder,
        a_book(places, loans, due) as ctx,
    ):
        shift = _Shift(Day(places, ctx, due), Path(folder))
        seconds = take_turns([shift.contender(f"{due:,} due")], 1, warm_up=False)
    return seconds[f"{due:,} due"], shift.memory


@dataclass(slots=True)
class _Shift:
    """A day with workers of its own, who come in the morning and go home in the evening."""

    day: Day
    folder: Path
    memory: dict[str, float] = field(default_factory=dict)
    """MB: the most that each of its processes ever had, by name."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _worker: Process | None = None

    def contender(self, name: str) -> Contender:
        return Contender(name, self.day.run, self.begin, self.end)

    def begin(self) -> None:
        self.day.make_ready()
        workers = deciders(self.day.places, self.day.ctx, PROCESSES, self.folder)
        self._worker = self._stack.enter_context(workers)

    def end(self) -> None:
        try:
            if self._worker:
                for name, most in peak_memory_of(self._worker).items():
                    self.memory[name] = max(most, self.memory.get(name, 0.0))
            self.day.check()
        finally:
            self._stack.close()
