"""Writes the rows that did not come in to a file that a person can work through."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType

from workers.tape.rows import RowError, TapeError

COLUMNS = ("line", "column", "expected", "shown")


class Rejects:
    """A CSV of rejected rows, made when the first one comes, and of masked values only.

    Used in a `with` block. Nothing is written for a tape without a wrong row, and what an earlier
    run left at the path is taken away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def __enter__(self) -> Rejects:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count:
            self._stream.close()

    def add(self, row: RowError) -> None:
        """Write one row.

        Raises:
            TapeError: the file cannot be written.
        """
        if not self.count:
            self._open()
        self.count += 1
        self._writer.writerow((row.line, row.column or "", row.expected, row.shown))

    def _open(self) -> None:
        try:
            self._stream = self.path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise self._unwritable(error) from None
        self._writer = csv.writer(self._stream)
        self._writer.writerow(COLUMNS)

    def _unwritable(self, error: OSError) -> TapeError:
        return TapeError(
            f"{self.path} cannot be written ({error.strerror}). "
            "Free the place, or name another file for the rejected rows."
        )
