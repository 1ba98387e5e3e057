"""The Celery application. How it delivers stands in workers.celeryconfig, read at first use."""

from __future__ import annotations

from celery import Celery
from celery.signals import worker_init

from workers.messaging.flower_events import TaskEventsTogether

app = Celery("arrears")
app.config_from_object("workers.celeryconfig")
app.steps["consumer"].add(TaskEventsTogether)


@worker_init.connect
def open_the_house(**_: object) -> None:
    """Read policy and templates before the children are made: they share them, and no task waits.

    Nothing is connected to yet, so nothing that must not be shared is.
    """
    from workers.bootstrap import process_context

    process_context()
