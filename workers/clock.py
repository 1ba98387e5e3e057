"""The one place that reads a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The present moment, in UTC.

    For rehearsals a file may hold the seconds by which it is off: whoever writes the file moves
    every process at once to another day. It always runs at the speed of real time.
    """

    def __init__(self, offset_file: Path | None = None) -> None:
        self._offset_file = offset_file

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset()

    def sleep(self, wait: timedelta) -> None:
        """Let that much time pass."""
        time.sleep(wait.total_seconds())

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        return timedelta(seconds=float(self._offset_file.read_text()))
