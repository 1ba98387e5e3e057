"""The Celery application. Its settings are in workers.celeryconfig, which it reads at first use."""

import gc
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

from domain.language.speak import speak
from workers.log_lines import write_visible_lines
from workers.messaging.alive import WritesAliveFile
from workers.messaging.closed_connections import expect_closed_connections
from workers.messaging.flower_events import BatchedTaskEvents
from workers.messaging.guarded_tasks import GuardedTask
from workers.newer_database import watch_database
from workers.signs_of_life import WritesSignsOfLife

# What is imported here stays in memory: the garbage collector rests until the context is built.
gc.disable()
write_visible_lines()
expect_closed_connections()
app: Celery[Any] = Celery("arrears", task_cls=GuardedTask)
app.config_from_object("workers.celeryconfig")
app.steps["consumer"].add(BatchedTaskEvents)
app.steps["consumer"].add(WritesSignsOfLife)
app.steps["consumer"].add(WritesAliveFile)


@worker_init.connect
def build_context_before_fork(**_: object) -> None:
    """Read policy and templates before the pool forks: processes share them, and no task waits.

    No connection is open yet, so the processes share none.
    """
    from workers.bootstrap import process_context
    from workers.sending.clock_check import what_is_wrong_with_clock

    ctx = process_context()
    GuardedTask.guard = staticmethod(lambda: speak(what_is_wrong_with_clock(ctx)))


@beat_init.connect
def watch_database_beside_beat(**_: object) -> None:
    """It starts no task by the schedule of an older release."""
    from workers.bootstrap import process_context

    watch_database(process_context().settings.database_url)
