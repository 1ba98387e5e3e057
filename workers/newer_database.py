"""Stops a worker whose database was migrated by a newer release.

Its tasks would fail one after another. It finishes what it holds, says why, and exits with 0; what
waits in its queues is for the workers of the newer release.
"""

import logging
from functools import cache
from typing import Any, cast

from celery.worker import state
from sqlalchemy import Engine

log = logging.getLogger(__name__)


def stop_at_newer_database(engine: Engine) -> None:
    """Ask the worker of this process to end, if the database is newer than it can use."""
    # Here, because others who import `workers.app` need no migrations.
    from workers.db.migrate import NewerDatabaseError, assert_current, current_revision

    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would say each time that it looks
    if current_revision(engine) == _newest_revision():
        return
    try:
        assert_current(engine)
    except NewerDatabaseError as error:
        log.warning("This worker stops: %s", error)
        state.should_stop = cast(Any, 0)  # with the exit code 0


@cache
def _newest_revision() -> str | None:
    from workers.db.migrate import newest_revision

    return newest_revision()
