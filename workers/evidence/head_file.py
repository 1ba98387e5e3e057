"""Heads in a signed file outside the database: what is cut off the end of the chain shows there.

Each line is a head, signed as `workers/db/signed_lines.py` says.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, func, select

from domain.errors import ArrearsError
from domain.recovery import RecoveryStep
from workers.context import Context
from workers.db.encryption import Cipher
from workers.db.schema import evidence_head, recovery_step
from workers.db.signed_lines import (
    LineFormat,
    append_lines,
    last_line,
    read_line,
    read_lines,
)
from workers.evidence.findings import Defect, Finding
from workers.shared_files import opener

EVERY = timedelta(minutes=1)
"""At most one line in this time. A day of 24 hours has 1,440 lines, of 350 bytes each."""

_FORMAT = LineFormat("heads of evidence", frozenset({"head", "digest", "links", "noted_at"}))

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
            last = read_line(last_line(file, _FORMAT)[0], _FORMAT)
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
    append_lines(file, cipher, _FORMAT, [record])


def signed_records(path: Path, cipher: Cipher) -> Iterator[Mapping[str, Any]]:
    """The records of the lines that are signed, in order; none if there is no file.

    Raises:
        ArrearsError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in read_lines(file, cipher, _FORMAT):
                if line.is_signed:
                    yield line.record
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
    noted: dict[int, str] = {}
    signed_lines = 0
    for line in read_lines(file, cipher, _FORMAT):
        if not (line.is_signed and line.follows):
            yield Finding(Defect.FILE, "evidence_file", line.number, None)
        if line.is_signed:
            record = line.record
            is_lost = any(signed_lines < by and record["head"] > last for by, last in lost)
            if not is_lost and record["head"]:
                noted[record["head"]] = record["digest"]
            signed_lines += 1
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


def unusable(path: Path, error: OSError) -> ArrearsError:
    return ArrearsError(
        "{path}, which ARREARS_EVIDENCE_FILE names, cannot be used: {strerror}. The heads of the "
        "evidence belong into it; let the workers that serve `maintenance` write there.",
        path=str(path),
        strerror=error.strerror or str(error),
    )
