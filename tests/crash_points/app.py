"""The Celery application of the product, watched: `celery --app=tests.crash_points.app worker`."""

from __future__ import annotations

from collections.abc import Callable

from celery.concurrency.asynpool import AsynPool

from tests.crash_points.points import watch
from workers.app import app

__all__ = ["app"]

SOON = 0.05
"""Seconds between two looks after lost processes, and until the fate of their tasks is sealed."""


def _timers(pool: AsynPool) -> dict[Callable[[], None], float]:
    return {pool.maintain_pool: SOON}


watch()
# Production looks every five seconds and waits for ten; nothing else about it is different.
setattr(AsynPool, "timers", property(_timers))  # noqa: B010 - types know it as it is shipped
app.conf.worker_lost_wait = SOON
