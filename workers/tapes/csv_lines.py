"""Reads the rows of a CSV file, one physical line at a time.

A record is one line. So a wrong quote spoils one row and not the rest of the file, line numbers are
right, and memory is constant for any file.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workers.tapes.row_errors import BadCellError, RowError, TapeError

Progress = Callable[[int, int], None]
"""Called regularly with the rows and the bytes read so far; the total is the file's size."""

LONGEST_LINE = 1_000_000
ROWS_BETWEEN_REPORTS = 500


@dataclass(frozen=True, slots=True)
class TapeRow:
    """The cells of one line, by column."""

    line: int
    cells: dict[str, str]


def read_rows(
    path: Path, columns: tuple[str, ...], progress: Progress | None
) -> Iterator[TapeRow | RowError]:
    """Every row that is not empty: the cells of `columns`, without spaces around them.

    Raises:
        TapeError: the file cannot be opened, is empty, is not UTF-8, lacks one of the columns or
            has it twice, or has a line without an end.
    """
    with _opened(path) as stream:
        header = _header(stream, path)
        indexes = _indexes(header, columns, path)
        yield from _rows(stream, path, len(header), indexes, progress)


def read_header(path: Path) -> list[str]:
    """The names of the tape's columns.

    Raises:
        TapeError: the file cannot be opened, is empty, or its first line is no CSV in UTF-8.
    """
    with _opened(path) as stream:
        return _header(stream, path)


def _opened(path: Path) -> BinaryIO:
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


def _rows(
    stream: BinaryIO, path: Path, width: int, indexes: dict[str, int], progress: Progress | None
) -> Iterator[TapeRow | RowError]:
    rows = 0
    for line, raw in enumerate(_lines(stream, path), start=2):
        if not raw.strip():
            continue
        rows += 1
        try:
            cells = _cells(_text(raw, path, line), width)
            yield TapeRow(line, {name: cells[index].strip() for name, index in indexes.items()})
        except BadCellError as bad:
            yield bad.on_line(line)
        if progress and rows % ROWS_BETWEEN_REPORTS == 0:
            progress(rows, stream.tell())
    if progress:
        progress(rows, stream.tell())


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


def _indexes(header: list[str], columns: tuple[str, ...], path: Path) -> dict[str, int]:
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
