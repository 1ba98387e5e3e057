"""The points at which a process can be lost: before and after each commit of each task, and of each
call at the desk.

What a task does to the world lies between two of them: a text is asked for after the first commit
of `send_sms` and before its second. Nothing in the product knows of this; the worker of
tests.crash_points.app and the desk of tests.crash_points.desk are watched from outside, through
their database driver, and through Celery's signals or the application's own interface.
"""

import inspect
import linecache
import os
import signal
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from celery.signals import task_postrun, task_prerun
from psycopg2.extensions import connection
from sqlalchemy import Engine, event

import workers

FOLDER = "CRASH_POINTS_FOLDER"
"""The variable that names the folder in which the test and the worker meet."""

PRODUCT = Path(workers.__file__).parent
OPENS_TRANSACTION = "engine.begin()"


@dataclass(frozen=True, slots=True)
class Folder:
    """Points are passed on as lines of text, so that they outlive the worker."""

    path: Path

    @property
    def passed(self) -> Path:
        """Every point that was reached, one a line."""
        return self.path / "passed"

    @property
    def at(self) -> Path:
        """The points at which to die, one a line. Whoever dies takes theirs away: each happens
        once."""
        return self.path / "at"

    @property
    def died(self) -> Path:
        """The points at which workers did die, one a line."""
        return self.path / "died"


_work: ContextVar[str | None] = ContextVar("work", default=None)
"""The task, or the path of the call, that this process is at."""


class _WatchedConnection(connection):
    def commit(self) -> None:
        # With nothing written there is nothing to lose, and most looks of a repair find nothing.
        work = _work.get()
        if work is None or not self._has_written():
            super().commit()
            return
        place = _place()
        _reach(f"{work}:before_commit:{place}")
        super().commit()
        _reach(f"{work}:after_commit:{place}")

    def _has_written(self) -> bool:
        with self.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            (written,) = cursor.fetchone() or (False,)
        return bool(written)


def watch_connections() -> None:
    """From now on, this process and its children pass points while they are at something, and die
    at the one asked for."""
    event.listen(Engine, "do_connect", _connect_watched)


def begin(work: str | None) -> None:
    """This process is at this from now on; None: at nothing of which the points count."""
    _work.set(work)


def watch_tasks() -> None:
    """The same for all that tasks do."""
    watch_connections()
    # A signal holds its receivers weakly unless told otherwise.
    task_prerun.connect(_begin, weak=False)
    task_postrun.connect(_end, weak=False)


def _connect_watched(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
    options["connection_factory"] = _WatchedConnection


def _begin(task: Any, **_: Any) -> None:
    begin(task.name.removeprefix("arrears."))


def _end(**_: Any) -> None:
    begin(None)


def _place() -> str:
    """Where in `workers/` the transaction was opened: module, function, and which one of it."""
    frame = inspect.currentframe()
    while frame and not frame.f_code.co_filename.startswith(f"{PRODUCT}/"):
        frame = frame.f_back
    assert frame, "only the product commits while it is at something"
    module = ".".join(Path(frame.f_code.co_filename).relative_to(PRODUCT).with_suffix("").parts)
    return f"{module}.{frame.f_code.co_name}:{_which(frame.f_code, frame.f_lineno)}"


@cache
def _which(code: CodeType, line: int) -> int:
    """A `with` is left on the line on which it was entered: one of those that open a transaction.

    In a loop the same one is met again and again, and is one place all the same.
    """
    lines = range(code.co_firstlineno, max(last for *_, last in code.co_lines() if last) + 1)
    source = code.co_filename
    opened = [n for n in lines if OPENS_TRANSACTION in linecache.getline(source, n)]
    return opened.index(line) + 1


def _reach(point: str) -> None:
    folder = Folder(Path(os.environ[FOLDER]))
    with folder.passed.open("a") as passed:
        passed.write(f"{point}\n")
    left = folder.at.read_text().splitlines() if folder.at.exists() else []
    if point in left:
        folder.at.write_text("\n".join(other for other in left if other != point))
        with folder.died.open("a") as died:
            died.write(f"{point}\n")
        os.kill(os.getpid(), signal.SIGKILL)
