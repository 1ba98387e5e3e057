"""Writes the rejected rows to a file that a person can work through."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from workers.tapes.row_errors import RowError, TapeError

COLUMNS = ("line", "column", "expected", "found_masked")


class Rejects:
    """A CSV file of the rejected rows, with masked values only.

    Used in a `with` block. At its end the complete file replaces the one of an earlier run; without
    a rejected row that file is deleted. If an error ends the block, nothing is changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def __enter__(self) -> Rejects:
        with self._writing():
            self._refuse_foreign_file()
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        with self._writing():
            if self.count:
                self._finish(keep=error_type is None)
            elif error_type is None:
                self.path.unlink(missing_ok=True)

    def add(self, row: RowError) -> None:
        """Write one row.

        Raises:
            TapeError: the file cannot be written.
        """
        with self._writing():
            if not self.count:
                self._open()
            self.count += 1
            self._writer.writerow((row.line, row.column or "", row.expected, row.shown))

    def _open(self) -> None:
        # In the same directory, so that it can be moved to the path in one step.
        self._stream = NamedTemporaryFile(  # noqa: SIM115 - closed at the end of the block
            "w",
            encoding="utf-8",
            newline="",
            dir=self.path.parent,
            prefix=f".{self.path.name}.",
            delete=False,
        )
        self._writer = csv.writer(self._stream)
        self._writer.writerow(COLUMNS)

    def _finish(self, *, keep: bool) -> None:
        written = Path(self._stream.name)
        try:
            self._stream.close()
            if keep:
                written.replace(self.path)
        finally:
            written.unlink(missing_ok=True)

    def _refuse_foreign_file(self) -> None:
        """A tape, or any other file that was named by mistake, must not be replaced."""
        if not self.path.exists():
            return
        if not self.path.is_file():
            raise TapeError("{path} is not a file. Name one for the rejected rows.", path=self.path)
        header = f"{','.join(COLUMNS)}\r\n".encode()
        with self.path.open("rb") as stream:
            if stream.readline(len(header)) not in {header, b""}:
                raise TapeError(
                    "{path} holds something else than rejected rows, which would be lost. Name "
                    "another file for the rejected rows.",
                    path=self.path,
                )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TapeError(
                "{path} cannot be written ({strerror}). Free the place, or name another file "
                "for the rejected rows.",
                path=self.path,
                strerror=error.strerror,
            ) from None
