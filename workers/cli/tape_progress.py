"""The bar that shows how far the import of a tape has come, and how long it will take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from workers.cli.language import say
from workers.cli.render import errors
from workers.tapes.progress import Phase, Progress


def _words(phase: Phase) -> str:
    match phase:
        case Phase.COMPARE:
            return say("comparing with the last tape")
        case Phase.READ:
            return say("reading rows")
        case Phase.MERGE:
            return say("changing loans")
        case Phase.ABSENT:
            return say("noting loans that it leaves out")
        case Phase.DATE:
            return say("dating unchanged loans")


LINE_EVERY = 20.0
"""Seconds, where lines are written to a file or to another program."""


@contextmanager
def import_progress() -> Iterator[Progress]:
    """Show the phase, the rows a second and the time left: a bar on a terminal, else lines."""
    if not errors.is_terminal:
        yield _Lines().write
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=errors, transient=True) as bar:
        tasks: dict[Phase, tuple[TaskID, float]] = {}

        def update(phase: Phase, done: int, total: int) -> None:
            if phase not in tasks:
                for task, _ in tasks.values():
                    bar.update(task, visible=False)
                tasks[phase] = bar.add_task(_words(phase), rate=""), time.monotonic()
            task, started = tasks[phase]
            rate = _rate(phase, done, time.monotonic() - started)
            bar.update(task, completed=done, total=total, rate=rate)

        yield update


class _Lines:
    """A line now and then, of work that takes long."""

    def __init__(self) -> None:
        self._written_at = time.monotonic()
        self._began: dict[Phase, float] = {}

    def write(self, phase: Phase, done: int, total: int) -> None:
        now = time.monotonic()
        started = self._began.setdefault(phase, now)
        if now - self._written_at < LINE_EVERY:
            return
        self._written_at = now
        errors.print(
            say(
                "{phase}: {share:.0%}, {rate}",
                phase=_words(phase),
                share=done / max(total, 1),
                rate=_rate(phase, done, now - started),
            ),
            markup=False,
        )


def _rate(phase: Phase, done: int, seconds: float) -> str:
    rate = done / max(seconds, 0.001)
    if phase is Phase.COMPARE:
        return say("{rate:,.1f} MB/s", rate=rate / 1e6)
    return say("{rate:,.0f} rows/s", rate=rate)
