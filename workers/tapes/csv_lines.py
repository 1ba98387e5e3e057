"""Reads the lines of a CSV file as bytes, and one of them as cells.

A record is one line. So a wrong quote spoils one row and not the rest of the file, line numbers are
right, and memory is constant for any file.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workers.tapes.row_errors import BadCellError, TapeError

LONGEST_LINE = 1_000_000


class Line(NamedTuple):
    """One line of the file, which is not empty."""

    number: int
    """The header is line 1."""
    starts_at: int
    """Bytes before it."""
    raw: bytes


@dataclass(frozen=True, slots=True)
class TapeRow:
    """The cells of one line, by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a tape are."""

    path: Path
    header: tuple[str, ...]
    indexes: tuple[tuple[str, int], ...]
    """Each column that is read, and its place."""

    def row(self, line: int, raw: bytes) -> TapeRow:
        """The cells of a line, without spaces around them.

        Raises:
            TapeError: it is not UTF-8.
            BadCellError: it is no CSV, or has not as many columns as the header.
        """
        cells = _cells(_text(raw, self.path, line), len(self.header))
        return TapeRow(line, {name: cells[index].strip() for name, index in self.indexes})


def read_layout(path: Path, columns: Sequence[str]) -> Layout:
    """The header of a tape, and where these columns are.

    Raises:
        TapeError: the file cannot be opened, is empty, its first line is no CSV in UTF-8, or it
            lacks one of the columns or has it twice.
    """
    header = read_header(path)
    return Layout(path, tuple(header), tuple(_indexes(header, columns, path).items()))


def read_header(path: Path) -> list[str]:
    """The names of the tape's columns.

    Raises:
        TapeError: the file cannot be opened, is empty, or its first line is no CSV in UTF-8.
    """
    with open_tape(path) as stream:
        return _header(stream, path)


def read_lines(path: Path) -> Iterator[Line]:
    """Every line below the header that is not empty.

    Raises:
        TapeError: the file cannot be opened, or has a line without an end.
    """
    with open_tape(path) as stream:
        at = 0
        for number, raw in enumerate(_lines(stream, path), start=1):
            if number > 1 and not raw.isspace():
                yield Line(number, at, raw)
            at += len(raw)


def open_tape(path: Path) -> BinaryIO:
    """The file, open for reading.

    Raises:
        TapeError: it is a directory, or cannot be opened.
    """
    if path.is_dir():
        raise TapeError("{path} is a directory. Name the file in it that is the tape.", path=path)
    try:
        return path.open("rb")
    except OSError as error:
        raise TapeError(
            "{path} cannot be read ({strerror}). Check its path.",
            path=path,
            strerror=error.strerror,
        ) from None


def _lines(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    while raw := stream.readline(LONGEST_LINE):
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            raise TapeError(
                "{path} has a line of more than {longest:,} bytes. Save it as CSV with "
                "one loan on each line.",
                path=path,
                longest=LONGEST_LINE,
            )
        yield raw


def _text(raw: bytes, path: Path, line: int) -> str:
    """The line as text. If one line is not UTF-8, no line is: so it is an error of the file."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TapeError(
            "{path} line {line}: byte {start} is not UTF-8. Save the tape as CSV UTF-8.",
            path=path,
            line=line,
            start=error.start + 1,
        ) from None


def _cells(text: str, width: int) -> list[str]:
    if "\0" in text:
        raise BadCellError(None, "text without NUL bytes")
    cells = _split(text)
    if len(cells) != width:
        raise BadCellError(
            None,
            "{width} columns, as in the header; this row has {cells}",
            width=width,
            cells=len(cells),
        )
    return cells


def _split(text: str) -> list[str]:
    plain = text.rstrip("\r\n")
    if '"' not in plain and "\r" not in plain:
        return plain.split(",")  # as the reader of `csv` does, in a fraction of its time
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise BadCellError(
            None, "quotes that open and close on the same line; a loan is one line"
        ) from None


def _header(stream: BinaryIO, path: Path) -> list[str]:
    raw = next(_lines(stream, path), b"")
    if not raw.strip():
        raise TapeError("{path} is empty. Export the tape again, with its header line.", path=path)
    try:
        header = [cell.strip() for cell in _split(raw.decode("utf-8-sig"))]
    except (UnicodeDecodeError, BadCellError):
        raise TapeError(
            "{path} line 1 is not a CSV header in UTF-8. Save the tape as CSV UTF-8.", path=path
        ) from None
    if len(header) == 1 and (mark := _other_separator(raw)):
        raise TapeError(
            "{path} line 1: the header is one column; it looks separated by {mark}. Save "
            "the tape as CSV with commas.",
            path=path,
            mark=mark,
        )
    return header


def _other_separator(raw: bytes) -> str | None:
    separators = {b";": ";", b"\t": "tabs", b"|": "|"}
    return next((name for mark, name in separators.items() if mark in raw.strip()), None)


def _indexes(header: list[str], columns: Sequence[str], path: Path) -> dict[str, int]:
    missing = [column for column in columns if column not in header]
    if missing:
        raise TapeError(
            "{path} line 1: the header has no column {missing}. Export the tape with it, "
            "or name the right column in the mapping.",
            path=path,
            missing=", ".join(missing),
        )
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise TapeError(
            "{path} line 1: the header has the column {twice} twice. Give every column a "
            "name of its own.",
            path=path,
            twice=", ".join(twice),
        )
    return {column: header.index(column) for column in columns}
