"""Sends task events to Flower in batches, four times a second.

By default Celery sends the event of each task at the next turn of its event loop. A busy worker
then publishes once for every task, which took two fifths of its parent process's time.
"""

from typing import Any

from celery import bootsteps

FLUSH_EVERY = 0.25
"""Seconds."""
BATCH_SIZE = 1_000
"""Task events after which a batch is sent before its time, so that memory stays bounded."""


class BatchedTaskEvents(bootsteps.StartStopStep):
    """Part of a worker's consumer: buffers task events and flushes them at an interval."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Set up the dispatcher of this connection; each new connection has a new dispatcher."""
        dispatcher = consumer.event_dispatcher
        if consumer.hub is None or dispatcher is None:
            return
        dispatcher.buffer_limit = BATCH_SIZE
        dispatcher.on_send_buffered = None
        self._timer = consumer.timer.call_repeatedly(FLUSH_EVERY, dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        """Flush, and send the events of tasks that still run without a buffer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            consumer.event_dispatcher.buffer_group = frozenset()
            consumer.event_dispatcher.flush()
