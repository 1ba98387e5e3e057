"""Tasks that beat starts every few seconds. Flower does not show them, unless they fail.

Of a hundred tasks in Flower ninety-five were sweeps, and hid the tasks that act on loans.
"""

from typing import Any, ClassVar, cast

from celery.worker.request import Request

from workers.messaging.guarded_tasks import GuardedTask


class Sweep(GuardedTask):
    """Base of these tasks. A worker's log has all of them, and the worker counts them."""

    send_events = False
    Request = "workers.messaging.sweeps:SweepRequest"
    shows_what_it_found = False
    """Whether Flower shows one whose result begins with a number above 0."""


class SweepRequest(Request):
    """Sends the events of a sweep only when it has ended, and only if Flower is to show it."""

    ended_well: ClassVar[set[str]] = set()
    """The sweeps that did since somebody took this set."""

    def send_event(self, type: str, **fields: Any) -> None:
        """Celery calls this for each event of the task, in the parent process of the worker."""
        if type == "task-succeeded":
            SweepRequest.ended_well.add(self.name)
        shown = type == "task-failed" or (
            type == "task-succeeded"
            and cast(Sweep, self.task).shows_what_it_found
            and not fields["result"].startswith("'0 ")
        )
        if shown and self.eventer and self.eventer.enabled:
            named = {"name": self.name, "args": self.argsrepr, "kwargs": self.kwargsrepr}
            self.eventer.send("task-received", uuid=self.id, **named)
            self.eventer.send(type, uuid=self.id, **fields)
