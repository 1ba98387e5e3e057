"""Two workers at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
