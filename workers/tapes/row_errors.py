"""The errors of a row. They show no value as it is, because it may be personal data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import ArrearsError
from domain.masking import masked


class TapeError(ArrearsError):
    """The file as a whole cannot be read, so nothing of it is imported."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A rejected row, and why. Values are masked, so it has no personal data."""

    line: int
    """The physical line of the file; the header is usually line 1."""
    column: str | None
    """The tape's own column name; None when the row as a whole is wrong."""
    expected: str
    """What the value should be; the words after "expected" in the message."""
    shown: str
    """The value of the tape, masked; empty if there is none."""
    text: str = field(default="", compare=False)
    """`expected` with its values in braces, for other languages."""
    values: Mapping[str, object] = field(default_factory=dict, compare=False)
    loan: str | None = field(default=None, compare=False)
    """The lender's id of the loan; None if the row does not show it."""

    def __str__(self) -> str:
        where = f"Line {self.line}" + (f", column {self.column}" if self.column else "")
        there = f", found {self.shown}" if self.shown else ""
        return f"{where}: expected {self.expected}{there}."


class BadCellError(Exception):
    """Raised while a row is read; the reader makes a `RowError` of it."""

    def __init__(
        self, column: str | None, expected: str, found: str = "", **values: object
    ) -> None:
        """Takes what was expected in English, with its values in braces if it has any."""
        super().__init__(expected)
        self._column = column
        self._expected = expected
        self._values = values
        self._shown = masked(found)

    def on_line(self, line: int, loan: str | None = None) -> RowError:
        """The error of the row that stands on this line of the file, and is of this loan."""
        expected = self._expected.format(**self._values) if self._values else self._expected
        return RowError(
            line, self._column, expected, self._shown, self._expected, self._values, loan
        )
