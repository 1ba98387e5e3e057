"""What waits for its link: whether it waits too long, and is still as it was written."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from workers.db.schema.evidence import EVIDENCE
from workers.evidence.findings import Defect, Finding
from workers.evidence.hashing import EvidenceKey, digests_of

LINKED_WITHIN = timedelta(minutes=5)
"""By the clock of the database. The task that links rows runs every 15 seconds."""


class Waiting(NamedTuple):
    """What is queued for a link, of the newest version of a row."""

    chain: int | None
    digest: bytes
    loan: str | None


# What has no digest is set aside as soon as it is its turn.
# In the order in which the rows were written: of each row, the last one is kept.
_WAITING = text("""
SELECT d.kind, d.row_id, d.chain, d.digest, l.external_id AS loan
  FROM evidence_due d LEFT JOIN loan l ON l.id = d.chain
 WHERE d.digest IS NOT NULL ORDER BY d.id
""")


def read_waiting(connection: Connection) -> dict[EvidenceKey, Waiting]:
    return {
        (row.kind, row.row_id): Waiting(row.chain, bytes(row.digest), row.loan)
        for row in connection.execute(_WAITING)
    }


_WAITS_TOO_LONG = text("""
SELECT d.kind, d.row_id, d.chain, l.external_id AS loan
  FROM evidence_due d LEFT JOIN loan l ON l.id = d.chain
 WHERE coalesce(d.recorded_at, '-infinity') < clock_timestamp() - CAST(:within AS interval)
 ORDER BY d.recorded_at NULLS FIRST, d.id LIMIT 1
""")


def check_waiting(
    connection: Connection, chain: int | None, waiting: Mapping[EvidenceKey, Waiting]
) -> Iterator[Finding]:
    """The oldest row that waits too long; and rows that were changed before they were linked."""
    for row in connection.execute(_WAITS_TOO_LONG, {"within": LINKED_WITHIN}):
        yield Finding(Defect.WAITS, row.kind, row.row_id, row.loan)
    of_chain = {
        key: entry
        for key, entry in waiting.items()
        if key[0] in EVIDENCE and chain in (None, entry.chain)
    }
    now = digests_of(connection, of_chain)
    for (kind, row_id), entry in of_chain.items():
        defect = compare(entry.digest, now.get((kind, row_id)))
        if defect is not None:
            yield Finding(defect, kind, row_id, entry.loan)


def compare(written: bytes, now: bytes | None) -> Defect | None:
    """What is wrong with a row: `written` is the digest of its newest version, which is empty if
    the row was deleted, and `now` that of the row as it is."""
    if now is None:
        return Defect.MISSING if written else None
    return None if written == now else Defect.CHANGED
