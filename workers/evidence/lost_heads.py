"""Heads that were lost with a database: a restored one has not what the file of heads names.

A recovery says so in the file, in a signed line, and on record. From then on the lines before it
are not missed, and `verify` says for ever which part was lost, and when.
"""

import fcntl
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from workers.db.encryption import Cipher
from workers.db.schema import evidence_head
from workers.evidence.head_file import append_record, lost_on_record, signed_records, unusable


@dataclass(frozen=True, slots=True)
class LostPart:
    """A part of the chain of evidence that was lost with a database."""

    after_head: int
    """The last head that the restored database has, of those in the file; 0: it has none."""
    last_head: int
    """The last head that was lost."""
    last_digest: str
    heads: int
    """How many heads of the file were lost."""
    links: int
    """How many rows of evidence, at least."""
    since: str | None
    """When the last head was noted that is not lost; ISO 8601."""
    until: str
    """When the last head that was lost was noted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The file of heads beside a database."""

    last_common_at: datetime | None
    """When the last head was noted that the database has."""
    lost: LostPart | None
    record: Mapping[str, Any] | None
    """The line of the last head that the database has."""


def compare_heads(connection: Connection, path: Path, cipher: Cipher) -> Comparison:
    """Which heads of the file the database lacks; those of which the file says so are left out.

    Raises:
        ArrearsError: the file cannot be read.
    """
    heads = evidence_head.c
    on_record = {
        row.id: bytes(row.digest).hex()
        for row in connection.execute(select(heads.id, heads.digest))
    }
    common: Mapping[str, Any] | None = None
    missing = list[Mapping[str, Any]]()
    for record in signed_records(path, cipher):
        if "lost" in record:
            missing = []
        elif on_record.get(record["head"]) != record["digest"]:
            missing.append(record)
        elif not missing:  # what follows is of the restored database: its chain has gone on
            common = record
    common_at = datetime.fromisoformat(common["noted_at"]) if common else None
    if not missing:
        return Comparison(common_at, None, common)
    last = missing[-1]
    lost = LostPart(
        after_head=common["head"] if common else 0,
        last_head=last["head"],
        last_digest=last["digest"],
        heads=len(missing),
        links=last["links"] - (common["links"] if common else 0),
        since=common["noted_at"] if common else None,
        until=last["noted_at"],
    )
    return Comparison(common_at, lost, common)


def note_lost(
    path: Path, cipher: Cipher, found: Comparison, recovery_id: int, now: datetime
) -> None:
    """Say in the file that some of its heads were lost. Those to come follow the last head that was
    not lost.

    Raises:
        ArrearsError: the file cannot be written.
    """
    if found.lost is None:
        return
    common = found.record or {"head": 0, "digest": "", "links": 0}
    try:
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            record = {name: common[name] for name in ("head", "digest", "links")} | {
                "lost": asdict(found.lost),
                "recovery": recovery_id,
                "noted_at": now.isoformat(),
            }
            append_record(file, cipher, record)
    except OSError as error:
        raise unusable(path, error) from None


def lost_parts(connection: Connection, path: Path, cipher: Cipher) -> list[LostPart]:
    """The parts of the chain that were lost with a database, as the file and the database say.

    Raises:
        ArrearsError: the file cannot be read.
    """
    if not path.exists():
        return []
    known = lost_on_record(connection)
    return [
        LostPart(**record["lost"])
        for record in signed_records(path, cipher)
        if "lost" in record and record["lost"]["last_digest"] in known
    ]
