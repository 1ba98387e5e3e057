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
        return datetime.now(UTC) + self._offset()

    def sleep(self, wait: timedelta) -> None:
        """Wait for that long."""
        time.sleep(wait.total_seconds())

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        return timedelta(seconds=float(self._offset_file.read_text()))
