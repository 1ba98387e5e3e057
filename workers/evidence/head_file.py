"""Heads in a signed file outside the database: what is cut off the end of the chain shows there.

Each line is JSON: a head, the SHA-256 of the line before it, and an HMAC over both. Lines are only
added. The key of the HMAC is derived from one that the database holds only encrypted, so whoever
has the database alone cannot sign a line.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, func, select

from domain.errors import ArrearsError
from domain.recovery import RecoveryStep
from workers.context import Context
from workers.db.encryption import Cipher
from workers.db.schema import evidence_head, recovery_step
from workers.evidence.findings import Defect, Finding
from workers.evidence.hashing import ZERO_DIGEST
from workers.shared_files import opener

EVERY = timedelta(minutes=1)
"""At most one line in this time. A day of 24 hours has 1,440 lines, of 350 bytes each."""

_TAIL = 4_096
"""Bytes at the end of the file in which its last whole line is."""

_BATCH_SIZE = 5_000


def note_head(ctx: Context) -> bool:
    """Add the newest head to the file of the settings; whether it did.

    It does not where there is no such file in the settings, no head that is newer than the last
    line, or a line that is not a minute old. Several processes may do it at once.

    Raises:
        ArrearsError: the file cannot be written.
    """
    path = ctx.settings.evidence_file
    if path is None:
        return False
    try:
        with open(path, "a+b", opener=opener(0o644)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last_line, _ = _last_line(file)
            last = _read(last_line)
            if last and ctx.now() - datetime.fromisoformat(last["noted_at"]) < EVERY:
                return False
            with ctx.engine.connect() as connection:
                head = _newest_after(connection, last)
            if head is None:
                return False
            append_record(file, ctx.cipher, {**head, "noted_at": ctx.now().isoformat()})
            return True
    except OSError as error:
        raise unusable(path, error) from None


def append_record(file: BinaryIO, cipher: Cipher, record: Mapping[str, Any]) -> None:
    """Add a line to a file that is open for `a+b` and locked, and let it reach the disk."""
    last_line, is_whole = _last_line(file)
    previous = sha256(last_line).digest() if last_line else ZERO_DIGEST
    record = {**record, "previous": previous.hex()}
    line = _written({**record, "signature": _signature(cipher, record)})
    # Where the machine stopped in a line, it is left as it is.
    file.write((b"" if is_whole else b"\n") + line + b"\n")
    file.flush()
    os.fsync(file.fileno())


def signed_records(path: Path, cipher: Cipher) -> Iterator[dict[str, Any]]:
    """The records of the lines that are signed, in order; none if there is no file.

    Raises:
        ArrearsError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                record = _read(line)
                if record is None:
                    continue
                signature = str(record.pop("signature", ""))
                if hmac.compare_digest(signature, _signature(cipher, record)):
                    yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(path, error) from None


def lost_on_record(connection: Connection) -> set[str]:
    """The digests of the last heads that were lost, as recoveries have recorded them."""
    rows = connection.execute(
        select(recovery_step.c.found).where(recovery_step.c.step == RecoveryStep.EVIDENCE)
    ).scalars()
    return {str(found["last_digest"]) for found in rows if found and "last_digest" in found}


def check_file(connection: Connection, path: Path, cipher: Cipher) -> Iterator[Finding]:
    """Check that each line of the file is signed and follows the one before it, and that its head
    is on record.

    The first line may follow one of an older file. A line that is not whole is passed over: the
    machine stopped while it was written, and the next line shows if it was another.

    Raises:
        ArrearsError: the file cannot be read.
    """
    known = lost_on_record(connection)
    # By the line from which on nothing is missed, the last head that must be on record before it.
    lost = [
        (number, record["head"])
        for number, record in enumerate(signed_records(path, cipher))
        if "lost" in record and record["lost"].get("last_digest") in known
    ]
    try:
        with path.open("rb") as file:
            yield from _check_lines(connection, file, cipher, lost)
    except FileNotFoundError:
        if connection.execute(select(evidence_head.c.id).limit(1)).first():
            yield Finding(Defect.FILE, "evidence_file", 0, None)
    except OSError as error:
        raise unusable(path, error) from None


def _check_lines(
    connection: Connection, file: BinaryIO, cipher: Cipher, lost: Sequence[tuple[int, int]]
) -> Iterator[Finding]:
    previous: str | None = None
    noted: dict[int, str] = {}
    signed_lines = 0
    for number, line in enumerate(file, 1):
        written = line.rstrip(b"\n")
        record = _read(written)
        if record is None:
            continue
        signature = str(record.pop("signature", ""))
        signed = hmac.compare_digest(signature, _signature(cipher, record))
        if not signed or previous not in (None, record.get("previous")):
            yield Finding(Defect.FILE, "evidence_file", number, None)
        if signed:
            is_lost = any(signed_lines < by and record["head"] > last for by, last in lost)
            if not is_lost and record["head"]:
                noted[record["head"]] = record["digest"]
            signed_lines += 1
        previous = sha256(written).hexdigest()
        if len(noted) >= _BATCH_SIZE:
            yield from _check_noted(connection, noted)
            noted = {}
    yield from _check_noted(connection, noted)


def _check_noted(connection: Connection, noted: Mapping[int, str]) -> Iterator[Finding]:
    rows = connection.execute(
        select(evidence_head.c.id, evidence_head.c.digest).where(evidence_head.c.id.in_(noted))
    )
    on_record = {row.id: bytes(row.digest).hex() for row in rows}
    for head, digest in sorted(noted.items()):
        if on_record.get(head) != digest:
            yield Finding(Defect.NO_SUCH_HEAD, "evidence_head", head, None)


def _newest_after(connection: Connection, last: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The newest head as the file has it; None if the last line has it, or a later one."""
    after, links = (last["head"], last["links"]) if last else (0, 0)
    heads = evidence_head.c
    newest = connection.execute(select(evidence_head).order_by(heads.id.desc()).limit(1)).first()
    if newest is None or newest.id <= after:
        return None
    added = select(func.sum(heads.links)).where(heads.id > after, heads.id <= newest.id)
    return {
        "head": newest.id,
        "digest": bytes(newest.digest).hex(),
        "links": links + connection.execute(added).scalar_one(),
        "at": newest.at.isoformat(),
    }


def _last_line(file: BinaryIO) -> tuple[bytes, bool]:
    """The last line that can be read, and whether the file ends with a whole line."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    lines = [line for line in tail.split(b"\n") if _read(line) is not None]
    return lines[-1] if lines else b"", not tail or tail.endswith(b"\n")


def _read(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None if it is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    needed = {"head", "digest", "links", "noted_at", "previous"}
    return record if isinstance(record, dict) and needed <= record.keys() else None


def _written(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _signature(cipher: Cipher, record: Mapping[str, Any]) -> str:
    return hmac.digest(cipher.derived_key("heads of evidence"), _written(record), "sha256").hex()


def unusable(path: Path, error: OSError) -> ArrearsError:
    return ArrearsError(
        "{path}, which ARREARS_EVIDENCE_FILE names, cannot be used: {strerror}. The heads of the "
        "evidence belong into it; let the workers that serve `maintenance` write there.",
        path=str(path),
        strerror=error.strerror or str(error),
    )
