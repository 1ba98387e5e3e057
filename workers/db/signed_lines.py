"""Signed lines in a file outside the database: JSON, one line each, and lines are only added.

Each line has the SHA-256 of the line before it, and an HMAC over both. The key of the HMAC is
derived from one that the database holds only encrypted, so whoever has the database alone cannot
sign a line.
"""

import hmac
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

from workers.db.encryption import Cipher

_FIRST = bytes(32).hex()

_TAIL = 65_536
"""Bytes at the end of the file in which its last whole line is."""


class LineFormat(NamedTuple):
    """What the lines of one file are."""

    purpose: str
    """From it the key of the signatures is derived."""
    fields: frozenset[str] = frozenset()
    """What every line has; one without is passed over."""


class SignedLine(NamedTuple):
    """A line of the file that can be read."""

    number: int
    record: Mapping[str, Any]
    is_signed: bool
    """Whether this key signed it."""
    follows: bool
    """Whether it follows the line before it; the first one may follow one of an older file."""


def append_lines(
    file: BinaryIO, cipher: Cipher, form: LineFormat, records: Sequence[Mapping[str, Any]]
) -> None:
    """Add records to a file that is open for `a+b` and locked, and let them reach the disk."""
    last, is_whole = last_line(file, form)
    previous = sha256(last).hexdigest() if last else _FIRST
    # Where the machine stopped in a line, it is left as it is.
    lines = b"" if is_whole else b"\n"
    for record in records:
        signed = {**record, "previous": previous}
        line = _written({**signed, "signature": _signature(cipher, form, signed)})
        previous = sha256(line).hexdigest()
        lines += line + b"\n"
    file.write(lines)
    file.flush()
    os.fsync(file.fileno())


def read_lines(file: BinaryIO, cipher: Cipher, form: LineFormat) -> Iterator[SignedLine]:
    """The lines in order. One that is not whole is passed over: the machine stopped while it was
    written, and the next line shows if it was another."""
    previous: str | None = None
    for number, line in enumerate(file, 1):
        written = line.rstrip(b"\n")
        record = read_line(written, form)
        if record is None:
            continue
        signature = str(record.pop("signature", ""))
        is_signed = hmac.compare_digest(signature, _signature(cipher, form, record))
        follows = previous in (None, record.get("previous"))
        previous = sha256(written).hexdigest()
        yield SignedLine(number, record, is_signed, follows)


def last_line(file: BinaryIO, form: LineFormat) -> tuple[bytes, bool]:
    """The last line that can be read, and whether the file ends with a whole line."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    lines = [line for line in tail.split(b"\n") if read_line(line, form) is not None]
    return lines[-1] if lines else b"", not tail or tail.endswith(b"\n")


def read_line(line: bytes, form: LineFormat) -> dict[str, Any] | None:
    """The record of a line, with its signature; None if it is none of this file."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    needed = {"previous", *form.fields}
    return record if isinstance(record, dict) and needed <= record.keys() else None


def _written(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _signature(cipher: Cipher, form: LineFormat, record: Mapping[str, Any]) -> str:
    return hmac.digest(cipher.derived_key(form.purpose), _written(record), "sha256").hex()
