"""Waking a worker for an event the moment it is stored.

A payment must stop what was planned before that goes out, so it does not wait for beat. Nothing
rests on it: an event whose message is lost is found by `wake_events` within seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from workers.announcing import announce
from workers.app import app
from workers.queues import APPLY_EVENT
from workers.retrying import in_short

log = logging.getLogger(__name__)

QUIET_FOR = 10.0
"""Seconds without a try after one failed: a broker that is away must not hold up those who call."""


class Waker:
    """Announces stored events to the workers, by id."""

    def __init__(self, announce: Callable[[int], object]) -> None:
        self._announce = announce
        self._quiet_until = float("-inf")

    def __call__(self, event_id: int) -> None:
        """Announce one event. Whatever keeps it from going out is logged, and nobody is told."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._announce(event_id)
        except Exception as error:
            self._quiet_until = time.monotonic() + QUIET_FOR
            log.warning("events are not announced at once for a while: %s", in_short(error))


def waker_of_workers() -> Waker:
    """Wakes the workers of this process's own broker."""
    return Waker(lambda event_id: announce(app, APPLY_EVENT, [(event_id,)]))
