"""The errors of a row. They show no value as it is, because it may be personal data."""

from dataclasses import dataclass

from domain.errors import ArrearsError

MASK_LENGTH = 20
MASKING = "Values are masked: a stands for a letter, # for a digit."
"""Shown once, beside masked values."""


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

    def __str__(self) -> str:
        where = f"Line {self.line}" + (f", column {self.column}" if self.column else "")
        there = f", found {self.shown}" if self.shown else ""
        return f"{where}: expected {self.expected}{there}."


class BadCellError(Exception):
    """Raised while a row is read; the reader makes a `RowError` of it."""

    def __init__(self, column: str | None, expected: str, value: str = "") -> None:
        super().__init__(expected)
        self.column = column
        self.expected = expected
        self.shown = masked(value)


def masked(value: str) -> str:
    """The value with only its shape, so that a person can find it and nobody can read it.

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
