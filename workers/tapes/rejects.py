"""Writes the rejected rows to a file that a person can work through."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from workers.tapes.row_errors import RowError, TapeError

Say = Callable[..., str]
"""An English text, with the values of its braces, in the reader's language."""

COLUMNS = {
    "en": ("line", "loan", "column", "expected", "found_masked"),
    "zh": ("行", "贷款", "列", "要求", "表中内容（已遮蔽）"),
}
"""By language."""
COLUMNS_BEFORE = ("line", "column", "expected", "found_masked")
"""Of the files that an earlier release wrote."""
LONGEST_HEADER = 200
"""Bytes."""
BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets read other letters than those of English wrongly."""


def in_english(text: str, **values: object) -> str:
    """A text as the code has it, with the values of its braces."""
    return text.format(**values) if values else text


class Rejects:
    """A CSV file of the errors of the rejected rows, with masked values only.

    Used in a `with` block. At its end the complete file replaces the one of an earlier run; without
    a rejected row that file is deleted. If an error ends the block, nothing is changed.
    """

    def __init__(self, path: Path, language: str = "en", say: Say = in_english) -> None:
        self.path = path
        self.count = 0
        """Rows."""
        self.errors = 0
        self._language = language
        self._say = say
        self._line = 0

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

    def add(self, error: RowError) -> None:
        """Write one error. Those of a row come one after the other.

        Raises:
            TapeError: the file cannot be written.
        """
        with self._writing():
            if not self.errors:
                self._open()
            self.errors += 1
            self.count += error.line != self._line
            self._line = error.line
            expected = self._say(error.text, **error.values) if error.text else error.expected
            self._writer.writerow(
                (error.line, error.loan or "", error.column or "", expected, error.shown)
            )

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
        if self._language != "en":
            self._stream.write(BYTE_ORDER_MARK)
        self._writer.writerow(COLUMNS[self._language])

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
        headers = {",".join(columns) for columns in (*COLUMNS.values(), COLUMNS_BEFORE)}
        with self.path.open("rb") as stream:
            first = stream.readline(LONGEST_HEADER).decode(errors="replace")
            if first and first.removeprefix(BYTE_ORDER_MARK).rstrip("\r\n") not in headers:
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
