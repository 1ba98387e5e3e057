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


@contextmanager
def import_progress() -> Iterator[Progress]:
    """Show the phase, the rows a second and the time left, on a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as bar:
        tasks: dict[Phase, tuple[TaskID, float]] = {}

        def update(phase: Phase, done: int, total: int) -> None:
            if phase not in tasks:
                for task, _ in tasks.values():
                    bar.update(task, visible=False)
                tasks[phase] = bar.add_task(_words(phase), rate=""), time.monotonic()
            task, started = tasks[phase]
            rate = done / max(time.monotonic() - started, 0.001)
            shown = (
                say("{rate:,.1f} MB/s", rate=rate / 1e6)
                if phase is Phase.COMPARE
                else say("{rate:,.0f} rows/s", rate=rate)
            )
            bar.update(task, completed=done, total=total, rate=shown)

        yield update
