"""The Celery application of the product, watched: `celery --app=tests.crash_points.app worker`.

Each crash point kills the process that runs the task, with SIGKILL. The worker's parent process
then forks another one, as in production. The parent has imported everything and has compiled the
statements of all tasks that beat starts, and is connected to nothing: a new process begins to work
at once, and no crash point costs the start of a Python.
"""

from collections.abc import Callable

# Imported here, in the parent, so that no process that is forked from it does so by itself.
import twilio.rest.api.v2010.account  # noqa: F401
from celery.concurrency.asynpool import AsynPool
from celery.signals import worker_init

from tests.crash_points.points import watch_tasks
from tests.support.timetable import TIMETABLE
from workers.app import app
from workers.bootstrap import process_context

__all__ = ["app"]

SOON = 0.05
"""Seconds between two looks after lost processes, and until the fate of their tasks is sealed."""


def _timers(pool: AsynPool) -> dict[Callable[[], None], float]:
    return {pool.maintain_pool: SOON}


watch_tasks()
# Production looks every five seconds and waits for ten; nothing else about it is different.
setattr(AsynPool, "timers", property(_timers))  # noqa: B010 - types know it as it is shipped
app.conf.worker_lost_wait = SOON


@worker_init.connect
def warm_up(**_: object) -> None:
    """Run each task of beat once, on the empty database that the worker starts with."""
    for task in TIMETABLE:
        app.tasks[task]()
    process_context().engine.dispose()
