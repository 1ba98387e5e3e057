"""A worker's signs of life: which queues it serves, and what of them moves.

They are written by the parent process of the worker at an interval, over a connection of its own,
so no task costs a statement more.
"""

import logging
from collections import Counter
from typing import Any

from celery import bootsteps
from celery.worker import state

from workers.messaging.sweeps import SweepRequest
from workers.newer_database import stop_at_newer_database

log = logging.getLogger(__name__)

WRITE_EVERY = 15.0
"""Seconds."""


class WritesSignsOfLife(bootsteps.StartStopStep):
    """Part of a worker's consumer, which stops while the broker is away."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._timer: Any = None
        self._counted: Counter[str] = Counter(state.total_count)

    def start(self, consumer: Any) -> None:
        queues = [queue.name for queue in consumer.task_consumer.queues]
        self._timer = consumer.timer.call_repeatedly(WRITE_EVERY, self._write, (queues,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write(self, queues: list[str]) -> None:
        counted = Counter(state.total_count)
        moved, self._counted = counted - self._counted, counted
        write_signs_of_life(queues, moved)


def write_signs_of_life(queues: list[str], moved: Counter[str]) -> None:
    """Write that these queues are served, that `moved` tasks of them were taken, and which tasks
    of the schedule ended well; and end this worker if the database is too new for it."""
    from sqlalchemy.exc import DBAPIError

    from domain.errors import ArrearsError
    from workers.bootstrap import process_context
    from workers.db.engine import autocommit, connect
    from workers.db.signs_of_life import did, serves, took, write_signs

    done, SweepRequest.ended_well = SweepRequest.ended_well, set()
    names = {
        *map(serves, queues),
        *(took(task.split(".")[1]) for task in moved if task.startswith("arrears.")),
        *map(did, done),
    }
    # Not the connections of the context: the children would share them.
    engine = connect(process_context().settings.database_url, pool_size=1)
    try:
        stop_at_newer_database(engine)
        with autocommit(engine) as connection:
            write_signs(connection, names)
    except (ArrearsError, DBAPIError) as error:
        # The tasks themselves meet it, and try again.
        log.info("no sign of life could be written: %s", type(error).__name__)
    finally:
        engine.dispose()
