"""What operators see in Flower is told a few times a second, and not task by task.

Celery tells of each task at the next turn of its loop. A worker that is busy then publishes once
for every task: two fifths of what its parent process did, when it has the least to spare.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

TELLS_EVERY = 0.25
"""Seconds."""
BATCH_SIZE = 1_000
"""Events of tasks that are told before their time, so that none waits in memory for long."""


class TaskEventsTogether(bootsteps.StartStopStep):
    """Part of a worker's consumer: events of tasks go out together, when their time has come."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._again: Any = None

    def start(self, consumer: Any) -> None:
        """For the dispatcher of this connection; with the next connection comes another one."""
        dispatcher = consumer.event_dispatcher
        if consumer.hub is None or dispatcher is None:
            return
        dispatcher.buffer_limit = BATCH_SIZE
        dispatcher.on_send_buffered = None
        self._again = consumer.timer.call_repeatedly(TELLS_EVERY, dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        """What is left goes out at once, and so does what tasks that still run will tell."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
            consumer.event_dispatcher.buffer_group = frozenset()
            consumer.event_dispatcher.flush()
