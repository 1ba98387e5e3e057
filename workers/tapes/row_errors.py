"""What can be wrong with one row, said without showing what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import ArrearsError

MASK_LENGTH = 20
MASKING = "Values are masked: a stands for a letter, # for a digit."
"""For whoever is shown masked values, once."""


class TapeError(ArrearsError):
    """The file as a whole cannot be read: nothing of it comes in."""


@dataclass(frozen=True, slots=True)
class RowError:
    """One row that does not come in, and why. Holds no personal data: values are masked."""

    line: int
    """The physical line of the file; the header is usually line 1."""
    column: str | None
    """The tape's own column name; None when the row as a whole is wrong."""
    expected: str
    """What should have been there: words that go on from "expected"."""
    shown: str
    """The value that was there, masked; empty when there was none."""

    def __str__(self) -> str:
        where = f"Line {self.line}" + (f", column {self.column}" if self.column else "")
        there = f", found {self.shown}" if self.shown else ""
        return f"{where}: expected {self.expected}{there}."


class BadCellError(Exception):
    """Raised inside a row and caught at its edge, where it becomes a `RowError`."""

    def __init__(self, column: str | None, expected: str, value: str = "") -> None:
        super().__init__(expected)
        self.column = column
        self.expected = expected
        self.shown = masked(value)


def masked(value: str) -> str:
    """The value with only its shape kept, so that it can be found and looks like no real one.

    Letters become a and digits #; long values are cut.
    """
    hidden = "".join(_mask(character) for character in value)
    return hidden if len(hidden) <= MASK_LENGTH else f"{hidden[: MASK_LENGTH - 1]}…"


def _mask(character: str) -> str:
    if character.isdigit():
        return "#"
    if character.isalpha():
        return "a"
    return character if character.isprintable() else "?"
