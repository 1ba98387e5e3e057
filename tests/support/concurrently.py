"""Two workers at the same moment."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine, text

T = TypeVar("T")


def concurrently(*work: Callable[[], T]) -> Sequence[T]:
    """Start all of the work at once, each in a thread of its own, and wait for what it gives."""
    start = threading.Barrier(len(work), timeout=10)

    def run(callable_: Callable[[], T]) -> T:
        start.wait()
        return callable_()

    with ThreadPoolExecutor(len(work)) as pool:
        return [
            done.result(timeout=60) for done in [pool.submit(run, work_item) for work_item in work]
        ]


def wait_until_blocked(engine: Engine) -> None:
    """Wait until a connection to this database waits for a lock of another one; at most 30 s."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        with engine.connect() as connection:
            if connection.execute(waits).scalar():
                return
        time.sleep(0.05)
    raise AssertionError("no connection waits for a lock")
