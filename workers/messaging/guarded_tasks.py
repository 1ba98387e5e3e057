"""Tasks that run only where the worker may decide: a wrong clock would decide the wrong thing."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

from celery import Task

log = logging.getLogger(__name__)


def _nothing_is_wrong() -> str:
    return ""


class GuardedTask(Task):  # type: ignore[type-arg]  # not generic when it runs
    """Base of every task. A task that does not run is lost like a message that is lost: its work
    stays in the database, and is published again."""

    guard: ClassVar[Callable[[], str]] = staticmethod(_nothing_is_wrong)
    """Why nothing may be done in this process now; empty if it may. A worker sets it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if why := GuardedTask.guard():
            log.error("%s does nothing: %s", self.name, why)
            return f"nothing done: {why}"
        return self.run(*args, **kwargs)
