"""Waking a worker for an event the moment it is stored.

A payment must stop what was planned before that goes out, so it does not wait for beat. Nothing
rests on it: an event whose message is lost is found by `dispatch_events` within seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from workers.app import app
from workers.failures import log_summary
from workers.messaging.publish import announce
from workers.queues import APPLY_EVENTS, EVENTS_PER_MESSAGE

log = logging.getLogger(__name__)

GATHER_FOR = 0.02
"""Seconds between two messages. An event that comes alone is announced at once; those that come in
one after the other share a message, for a message costs more than to apply one of many events."""
QUIET_FOR = 10.0
"""Seconds without a try after one failed: a broker that is away must not hold up those who call."""


class WorkerNotifier:
    """Announces stored events to the workers, by id. For one event loop."""

    def __init__(self, announce: Callable[[list[int]], object]) -> None:
        self._announce = announce
        self._waiting: list[int] = []
        self._at_it = False
        self._quiet_until = float("-inf")

    async def __call__(self, event_id: int) -> None:
        """Announce one event. Whatever keeps it from going out is logged, and nobody is told."""
        self._waiting.append(event_id)
        if self._at_it:
            return  # whoever is at it takes this one along
        self._at_it = True
        try:
            while self._waiting:
                ids = self._waiting[:EVENTS_PER_MESSAGE]
                del self._waiting[: len(ids)]
                await run_in_threadpool(self._tell, ids)
                await asyncio.sleep(GATHER_FOR)
        finally:
            self._at_it = False

    def _tell(self, event_ids: list[int]) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._announce(event_ids)
        except Exception as error:
            self._quiet_until = time.monotonic() + QUIET_FOR
            log.warning("events are not announced at once for a while: %s", log_summary(error))


def worker_notifier() -> WorkerNotifier:
    """Wakes the workers of this process's own broker."""
    return WorkerNotifier(lambda event_ids: announce(app, APPLY_EVENTS, [(event_ids,)]))
