"""A file that is written again and again while a worker or beat does its work.

Whoever asks for its health looks at the file's age, and starts no Python for that. A worker writes
it while it is connected to the broker and its event loop runs; beat when the broker took a message,
so a full broker shows too.
"""

from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.signals import after_task_publish

WRITE_EVERY = 10.0
"""Seconds."""


class AliveFile:
    """The file of this process; none by default."""

    path: Path | None = None

    @classmethod
    def write(cls, **_: Any) -> None:
        if cls.path is not None:
            cls.path.touch()


class WritesAliveFile(bootsteps.StartStopStep):
    """Part of a worker's consumer, which stops while the broker is away."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        AliveFile.write()
        self._timer = consumer.timer.call_repeatedly(WRITE_EVERY, AliveFile.write)

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def write_when_published(path: Path) -> None:
    """Write the file whenever the broker took a message of this process."""
    AliveFile.path = path
    after_task_publish.connect(AliveFile.write, weak=False)
