"""Reads the lines of a CSV file as bytes, and one of them as cells.

A record is one line. So a wrong quote spoils one row and not the rest of the file, line numbers are
right, and memory is constant for any file.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from config.readers.tape_formats import OWN_FORMATS, TapeFormats
from workers.tapes.encodings import LONGEST_MARK, encoding_of, not_in_encoding
from workers.tapes.row_errors import BadCellError, TapeError

LONGEST_LINE = 1_000_000
csv.field_size_limit(LONGEST_LINE)  # a long cell is refused for what is in it

_END_OF_FILE = "\x1a"
"""What DOS writes at the end of a file."""
_NOTHING = f" \t\r\n\v\f{_END_OF_FILE}"


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
    formats: TapeFormats
    encoding: str

    def row(self, line: int, raw: bytes) -> TapeRow:
        """The cells of a line, without spaces around them.

        Raises:
            TapeError: it is not in the encoding of the tape.
            BadCellError: it is no CSV, or has not as many columns as the header.
        """
        text = _text(raw, self.path, line, self.encoding, self.formats.encoding)
        if not text.endswith("\n"):  # the last line
            text = text.rstrip(_END_OF_FILE)
        cells = _cells(text, len(self.header), self.formats)
        return TapeRow(line, {name: cells[index].strip() for name, index in self.indexes})

    def may_be_in(self, line: int, raw: bytes, column: str) -> list[str]:
        """What may be the cell of this column, in a line that is no row of the tape: if a delimiter
        is too many or is lacking, the cell is some places further on, or before its place.

        Raises:
            TapeError: it is not in the encoding of the tape.
        """
        text = _text(raw, self.path, line, self.encoding, self.formats.encoding)
        cells = [cell.strip(f'{_NOTHING}"\0') for cell in text.split(self.formats.delimiter)]
        place, more = dict(self.indexes)[column], len(cells) - len(self.header)
        return cells[max(place + min(more, 0), 0) : place + max(more, 0) + 1]

    def is_empty(self, line: int, raw: bytes) -> bool:
        """Whether a line has nothing but delimiters, empty quotes, spaces and an end of file."""
        if raw.strip(self.empty_bytes()):
            return False
        text = _text(raw, self.path, line, self.encoding, self.formats.encoding)
        try:
            return not any(cell.strip(_NOTHING) for cell in _split(text, self.formats.delimiter))
        except BadCellError:
            return False

    def empty_bytes(self) -> bytes:
        """The bytes that an empty line consists of."""
        return f'{_NOTHING}{self.formats.delimiter}"'.encode(self.encoding)


def read_layout(path: Path, columns: Sequence[str], formats: TapeFormats = OWN_FORMATS) -> Layout:
    """The header of a tape, and where these columns are.

    Raises:
        TapeError: the file cannot be opened, is empty, its first line is no CSV in its encoding, or
            it lacks one of the columns or has it twice.
    """
    with open_tape(path) as stream:
        header, encoding = _header(stream, path, formats)
    indexes = tuple(_indexes(header, columns, path).items())
    return Layout(path, tuple(header), indexes, formats, encoding)


def read_header(path: Path, formats: TapeFormats = OWN_FORMATS) -> list[str]:
    """The names of the tape's columns.

    Raises:
        TapeError: the file cannot be opened, is empty, or its first line is no CSV in its encoding.
    """
    with open_tape(path) as stream:
        return _header(stream, path, formats)[0]


def read_lines(layout: Layout) -> Iterator[Line]:
    """Every line below the header that is not empty.

    Raises:
        TapeError: the file cannot be opened, or has a line without an end.
    """
    empty = layout.empty_bytes()
    with open_tape(layout.path) as stream:
        at = 0
        for number, raw in enumerate(_lines(stream, layout.path, layout.encoding), start=1):
            if number > 1 and not (raw[0] in empty and layout.is_empty(number, raw)):
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


def _lines(stream: BinaryIO, path: Path, encoding: str) -> Iterator[bytes]:
    end = "\n".encode(encoding)
    while raw := _utf_16_line(stream, end) if len(end) > 1 else stream.readline(LONGEST_LINE):
        if len(raw) >= LONGEST_LINE and not raw.endswith(end):
            raise TapeError(
                "{path} has a line of more than {longest:,} bytes. Save it as CSV with "
                "one loan on each line.",
                path=path,
                longest=LONGEST_LINE,
            )
        yield raw


def _utf_16_line(stream: BinaryIO, end: bytes) -> bytes:
    """A line in UTF-16, in which the byte of a line end is a part of other characters too."""
    raw = bytearray()
    while len(raw) < LONGEST_LINE and (piece := stream.readline(LONGEST_LINE)):
        raw += piece
        if len(raw) % 2:
            raw += stream.read(1)
        if raw.endswith(end):
            break
    return bytes(raw)


def _text(raw: bytes, path: Path, line: int, encoding: str, named: str | None) -> str:
    """The line as text. If one line is in another encoding, all are: so the file is refused."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise not_in_encoding(path, line, error.start + 1, encoding, named) from None


def _cells(text: str, width: int, formats: TapeFormats) -> list[str]:
    if "\0" in text:
        raise BadCellError(None, "text without NUL bytes")
    cells = _split(text, formats.delimiter)
    if len(cells) == width:
        return cells
    if formats.delimiter in {formats.decimal_mark, formats.thousands_mark}:
        raise BadCellError(
            None,
            "{width} columns, as in the header, and amounts with {delimiter} in quotes; this row "
            "has {cells}",
            width=width,
            delimiter=formats.delimiter,
            cells=len(cells),
        )
    raise BadCellError(
        None,
        "{width} columns, as in the header; this row has {cells}",
        width=width,
        cells=len(cells),
    )


def _split(text: str, delimiter: str) -> list[str]:
    plain = text.rstrip("\r\n")
    if '"' not in plain and "\r" not in plain:
        return plain.split(delimiter)  # as the reader of `csv` does, in a fraction of its time
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        raise BadCellError(
            None, "quotes that open and close on the same line; a loan is one line"
        ) from None


def _header(stream: BinaryIO, path: Path, formats: TapeFormats) -> tuple[list[str], str]:
    """The names of the columns, and the encoding of the tape."""
    beginning = stream.read(LONGEST_MARK)
    stream.seek(0)
    encoding = encoding_of(path, beginning, formats.encoding)
    raw = next(_lines(stream, path, encoding), b"")
    text = _text(raw, path, 1, encoding, formats.encoding).removeprefix("\ufeff")
    if "\0" in text:
        raise not_in_encoding(path, 1, raw.index(0) + 1, encoding, formats.encoding)
    if not text.strip(_NOTHING):
        raise TapeError("{path} is empty. Export the tape again, with its header line.", path=path)
    try:
        header = [cell.strip() for cell in _split(text, formats.delimiter)]
    except BadCellError:
        raise TapeError(
            "{path} line 1 is not a CSV header. Save the tape as CSV UTF-8.", path=path
        ) from None
    if len(header) == 1 and (mark := _other_separator(text, formats.delimiter)):
        raise TapeError(
            "{path} line 1: the header is one column; it looks separated by {mark}. Save "
            "the tape as CSV with commas, or write delimiter: under formats in the mapping.",
            path=path,
            mark=mark,
        )
    return header, encoding


def _other_separator(text: str, delimiter: str) -> str | None:
    separators = {";": ";", "\t": "tabs", "|": "|", ",": ","}
    separators.pop(delimiter, None)
    return next((name for mark, name in separators.items() if mark in text), None)


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
