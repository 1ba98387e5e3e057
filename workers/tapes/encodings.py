"""Which encoding a tape has: as its mapping says, or as its first bytes show, or else UTF-8.

It is never guessed. If a tape is in another encoding, the error names an encoding in which the file
can be read, and a person decides.
"""

import codecs
from pathlib import Path

from workers.tapes.row_errors import TapeError

_SHOWN = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    "\ufeff".encode("gb18030"): "gb18030",
}
"""By the byte order mark. That of UTF-32 begins with that of UTF-16, and so stands before it."""

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx, which is a ZIP file, and .xls begin."""
LONGEST_MARK = max(map(len, _SHOWN))
"""Bytes."""

_SUGGESTED = ("gb18030", "big5", "shift_jis", "windows-1252")
_PIECE = 1 << 16


def encoding_of(path: Path, beginning: bytes, named: str | None) -> str:
    """The encoding of a tape that begins with these bytes, and that the mapping says is `named`.

    Raises:
        TapeError: the two contradict each other, or it is a workbook, UTF-32, or UTF-16 in an
            unknown order.
    """
    if beginning.startswith(_WORKBOOKS):
        raise TapeError(
            "{path} is an Excel workbook, or another file that is no text. Open it in Excel and "
            "save it as CSV UTF-8.",
            path=path,
        )
    shown = next((name for mark, name in _SHOWN.items() if beginning.startswith(mark)), None)
    if shown == "utf-32":
        raise TapeError("{path} is UTF-32. Save the tape as CSV UTF-8.", path=path)
    if named is None:
        return shown or "utf-8"
    if shown and not shown.startswith(named):
        raise TapeError(
            "{path} begins as a file in {shown} does, and the mapping says {named}. Correct "
            "encoding: under formats in the mapping, or leave it out.",
            path=path,
            shown=shown,
            named=named,
        )
    if named == "utf-16" and not shown:
        raise TapeError(
            "{path} does not begin with the mark that shows the order of bytes in UTF-16. Write "
            "encoding: utf-16-le or utf-16-be under formats in the mapping.",
            path=path,
        )
    return shown or named


def readable_as(path: Path) -> str:
    """The encoding that the first bytes of the file show, or else an encoding in which all of it
    can be read. A person must see whether the names are right then.

    Raises:
        TapeError: it cannot be opened, is UTF-32, or no encoding is found.
    """
    try:
        with path.open("rb") as stream:
            beginning = stream.read(LONGEST_MARK)
    except OSError as error:
        raise TapeError(
            "{path} cannot be read ({strerror}). Check its path.",
            path=path,
            strerror=error.strerror,
        ) from None
    encoding = encoding_of(path, beginning, None)
    if _can_be_read(path, encoding):
        return encoding
    if suggested := _suggested(path):
        return suggested
    raise TapeError("{path} is in no encoding that is known. Save it as CSV UTF-8.", path=path)


def not_in_encoding(
    path: Path, line: int, byte: int, encoding: str, named: str | None
) -> TapeError:
    """The error for a line that is not in the encoding of the tape from this byte on."""
    if named:
        return TapeError(
            "{path} line {line}: byte {byte} is not {encoding}, as the mapping says. Correct "
            "encoding: under formats in the mapping, or save the tape as CSV UTF-8.",
            path=path,
            line=line,
            byte=byte,
            encoding=encoding.upper(),
        )
    if suggested := _suggested(path):
        return TapeError(
            "{path} line {line}: byte {byte} is not {encoding}. The whole file can be read as "
            "{suggested}: if its names are right then, write encoding: {suggested} under formats "
            "in the mapping. Otherwise save the tape as CSV UTF-8.",
            path=path,
            line=line,
            byte=byte,
            encoding=encoding.upper(),
            suggested=suggested,
        )
    return TapeError(
        "{path} line {line}: byte {byte} is not {encoding}. Save the tape as CSV UTF-8, or write "
        "its encoding: under formats in the mapping.",
        path=path,
        line=line,
        byte=byte,
        encoding=encoding.upper(),
    )


def _suggested(path: Path) -> str | None:
    with path.open("rb") as stream:
        beginning = stream.read(_PIECE)
    if b"\0" in beginning:
        is_little = beginning[1::2].count(0) >= beginning[::2].count(0)
        candidates: tuple[str, ...] = ("utf-16-le" if is_little else "utf-16-be",)
    else:
        candidates = _SUGGESTED
    return next((name for name in candidates if _can_be_read(path, name)), None)


def _can_be_read(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
