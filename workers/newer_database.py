"""Stops a process whose database was migrated by a newer release: every task and every call fails.

It finishes what it holds, says what to do, and ends. What waits in queues, and what providers and
the lender's systems send again, is for the processes of the newer release.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from functools import cache
from threading import Thread
from typing import Any, cast

from celery.worker import state
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

LOOK_EVERY = 15.0
"""Seconds."""


def is_too_new(engine: Engine) -> bool:
    """Whether the database is newer than this process can use; then the log says what to do."""
    # Here, because others who import `workers.app` need no migrations.
    from workers.db.migrate import NewerDatabaseError, assert_current, current_revision

    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would say each time that it looks
    if current_revision(engine) == _newest_revision():
        return False
    try:
        assert_current(engine)
    except NewerDatabaseError as error:
        log.warning("This process stops: %s", error)
        return True
    return False


def stop_at_newer_database(engine: Engine) -> None:
    """Ask the worker of this process to end, if the database is newer than it can use."""
    if is_too_new(engine):
        state.should_stop = cast(Any, 0)  # with the exit code 0


def watch_database(
    url: str,
    end: Callable[[], object] = lambda: os.kill(os.getpid(), signal.SIGTERM),
    every: float = LOOK_EVERY,
) -> Thread:
    """Look every so many seconds, in a thread that ends with the process, and end the process as a
    stop of it would, if the database is newer than it can use. For those that are no workers."""
    watching = Thread(target=_watch, args=(url, end, every), name="newer database", daemon=True)
    watching.start()
    return watching


def _watch(url: str, end: Callable[[], object], every: float) -> None:
    while not _look(url):
        time.sleep(every)
    end()


def _look(url: str) -> bool:
    """Over a connection of its own. A database that is away is looked at again later."""
    from domain.errors import ArrearsError
    from workers.db.engine import connect

    engine = connect(url, pool_size=1)
    try:
        return is_too_new(engine)
    except (ArrearsError, DBAPIError):
        return False
    finally:
        engine.dispose()


@cache
def _newest_revision() -> str | None:
    from workers.db.migrate import newest_revision

    return newest_revision()
