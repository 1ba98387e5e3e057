"""The clock: only this module reads the time."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The present moment, in UTC.

    For simulations a file may hold an offset in seconds. Writing the file moves all processes to
    another day at once. Time always passes at its real speed.
    """

    def __init__(self, offset_file: Path | None = None) -> None:
        self._offset_file = offset_file

    def now(self) -> datetime:
        return self.machine_now() + self._offset()

    def machine_now(self) -> datetime:
        """The moment that the clock of this machine shows, whatever a simulation says."""
        return datetime.now(UTC)

    @property
    def is_true(self) -> bool:
        """Whether `now` is the moment of the machine."""
        return self._offset_file is None

    def sleep(self, wait: timedelta) -> None:
        """Wait for that long."""
        time.sleep(wait.total_seconds())

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        return timedelta(seconds=float(self._offset_file.read_text()))


def write_offset(offset_file: Path, offset: timedelta) -> None:
    """Move the clock of all processes that read this file.

    The file is replaced in one step, because they read it at any moment.
    """
    new_file = offset_file.with_suffix(".new")
    new_file.write_text(str(offset.total_seconds()))
    new_file.replace(offset_file)
