"""Wait for the workers, for a limited time; and start now what beat starts each minute."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Protocol

from celery import Celery
from kombu import Queue as KombuQueue

from domain.errors import ArrearsError
from workers.messaging.broker import TRANSPORT_OPTIONS
from workers.messaging.publish import Message, announce
from workers.queues import QUEUES
from workers.simulator.demo.backlog import Backlog, read_backlog
from workers.simulator.demo.installation import Installation

DRAIN_TIMEOUT = 180.0
"""Seconds after which the work of a morning or an afternoon has failed to finish."""

POLL_SECONDS = 0.25


class ProgressReporter(Protocol):
    """Receives the progress of the days. `at` is the simulated time."""

    def report(self, at: datetime, sentence: str) -> None:
        """Report what was done."""

    def show_backlog(self, at: datetime, backlog: Backlog) -> None:
        """Show what is left to do; called several times a second."""


def drain(installation: Installation, reporter: ProgressReporter) -> None:
    """Wait until nothing is left to do at this hour.

    Raises:
        ArrearsError: a process ended by itself, or the work was not finished in time.
    """
    ctx = installation.ctx
    deadline = time.monotonic() + DRAIN_TIMEOUT
    while True:
        now = ctx.now()
        with ctx.engine.connect() as connection:
            backlog = read_backlog(connection, now)
        if not backlog:
            return
        reporter.show_backlog(now, backlog)
        installation.processes.check_running()
        if time.monotonic() > deadline:
            raise ArrearsError(
                "After {seconds:.0f} seconds there is still work left: {backlog}. The last lines "
                "of the logs:\n{logs}",
                seconds=DRAIN_TIMEOUT,
                backlog=backlog,
                logs=installation.processes.log_tails(),
            )
        time.sleep(POLL_SECONDS)


def sweep_until(installation: Installation, task: str, done: Callable[[], bool]) -> None:
    """Start a task of beat now, so that the demo need not wait for its minute, until it has done
    what it is for.

    Raises:
        ArrearsError: a process ended by itself, or it was not done in time.
    """
    _wake(installation, task)
    deadline = time.monotonic() + DRAIN_TIMEOUT
    while not done():
        installation.processes.check_running()
        if time.monotonic() > deadline:
            raise ArrearsError(
                "After {seconds:.0f} seconds {task} has not done its work. The last lines of the "
                "logs:\n{logs}",
                seconds=DRAIN_TIMEOUT,
                task=task,
                logs=installation.processes.log_tails(),
            )
        time.sleep(POLL_SECONDS)


def _wake(installation: Installation, task: str) -> None:
    # An application of its own: that of the workers reads the settings of this process.
    with closing(Celery(broker=installation.ctx.settings.redis_url, set_as_current=False)) as app:
        app.conf.update(
            broker_transport_options=TRANSPORT_OPTIONS,
            task_queues=[KombuQueue(name) for name in QUEUES],
            task_create_missing_queues=False,
        )
        announce(app, task, [Message(())])
