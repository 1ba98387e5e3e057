"""Notifies a worker of an event the moment it is stored.

A payment must stop what was planned before that goes out, so it does not wait for beat. Nothing
depends on the message: if it is lost, `dispatch_events` finds the event within seconds.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from starlette.background import BackgroundTasks
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from workers.app import app
from workers.failures import log_summary
from workers.messaging.publish import Message, announce
from workers.queues import APPLY_EVENTS, EVENTS_PER_MESSAGE

log = logging.getLogger(__name__)

GATHER_FOR = 0.02
"""Seconds between two messages. An event that comes alone is published at once; those that come in
shortly after it share a message, because a message costs more than to apply one of many events."""
QUIET_FOR = 10.0
"""Seconds without a try after one failed: a broker that is down must not delay the callers."""


class WorkerNotifier:
    """Publishes the ids of stored events to the workers. For one event loop."""

    def __init__(self, publish: Callable[[list[int]], object]) -> None:
        self._publish = publish
        self._pending: list[int] = []
        self._is_publishing = False
        self._quiet_until = float("-inf")

    async def __call__(self, event_id: int) -> None:
        """Publish one event id. Never raises: a failure is logged."""
        self._pending.append(event_id)
        if self._is_publishing:
            return  # the call that is publishing takes this id as well
        self._is_publishing = True
        try:
            while self._pending:
                ids = self._pending[:EVENTS_PER_MESSAGE]
                del self._pending[: len(ids)]
                await run_in_threadpool(self._try_to_publish, ids)
                await asyncio.sleep(GATHER_FOR)
        finally:
            self._is_publishing = False

    def _try_to_publish(self, event_ids: list[int]) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._publish(event_ids)
        except Exception as error:
            self._quiet_until = time.monotonic() + QUIET_FOR
            log.warning("events are not announced at once for a while: %s", log_summary(error))


def wake_worker(request: Request, event_ids: Iterable[int | None]) -> BackgroundTasks:
    """Notify a worker of the events that are new, after the answer: their sender need not wait for
    the broker."""
    after = BackgroundTasks()
    for event_id in event_ids:
        if event_id is not None:
            after.add_task(request.app.state.notify, event_id)
    return after


def worker_notifier() -> WorkerNotifier:
    """Notifies the workers of this process's own broker."""
    return WorkerNotifier(lambda event_ids: announce(app, APPLY_EVENTS, [Message((event_ids,))]))
