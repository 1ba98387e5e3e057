"""How a row of evidence is hashed into a link of a chain."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from workers.db.evidence_triggers import digest_of_row, text_of_row
from workers.db.schema.evidence import EVIDENCE, Evidence

ZERO_DIGEST = bytes(32)
"""The previous digest of the first link of a chain, and of the first head."""
NO_LOAN = 0
"""The chain of rows that belong to no loan."""

EvidenceKey: TypeAlias = tuple[str, int]
"""The table of a row, and its key there."""


def digests_of(connection: Connection, keys: Iterable[EvidenceKey]) -> dict[EvidenceKey, bytes]:
    """The digests of the rows with these keys as they are now; after `set_hash_format`. One
    statement for each table."""
    return {key: bytes(value) for key, value in _each(connection, keys, digest_of_row).items()}


def texts_of(connection: Connection, keys: Iterable[EvidenceKey]) -> dict[EvidenceKey, str]:
    """What is hashed of the rows with these keys: columns that are not null, as PostgreSQL writes
    JSON, moments in UTC; after `set_hash_format`. One statement for each table."""
    return _each(connection, keys, text_of_row)


def whole_texts_of(connection: Connection, keys: Iterable[EvidenceKey]) -> dict[EvidenceKey, str]:
    """The same, with every column, as links without a digest of their row have it."""
    return _each(connection, keys, lambda _: "jsonb_strip_nulls(to_jsonb(t))::text")


def _each(
    connection: Connection, keys: Iterable[EvidenceKey], value: Callable[[Evidence], str]
) -> dict[EvidenceKey, Any]:
    ids: dict[str, set[int]] = defaultdict(set)
    for kind, row_id in keys:
        if kind in EVIDENCE:
            ids[kind].add(row_id)
    found = {}
    for kind, row_ids in ids.items():
        evidence = EVIDENCE[kind]
        together = f" GROUP BY t.{evidence.key}" if evidence.in_parts else ""
        rows = connection.execute(
            text(f"""
                SELECT t.{evidence.key} AS id, {value(evidence)} AS value
                  FROM {kind} t WHERE t.{evidence.key} = ANY(:ids){together}
            """),  # noqa: S608 - names of our own tables
            {"ids": sorted(row_ids)},
        )
        found.update({(kind, row.id): row.value for row in rows})
    return found


def link_digest(
    previous: bytes, kind: str, row_id: int, recorded_at: datetime, row_digest: bytes
) -> bytes:
    """The digest of a link: SHA-256 over the previous one, then a line each for the table, the key
    of the row, when it was recorded, and the digest of the row."""
    lines = (kind, str(row_id), moment_text(recorded_at), row_digest.hex())
    return sha256(previous + "\n".join(lines).encode()).digest()


def moment_text(at: datetime) -> str:
    """A moment as it is hashed: in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")


def first_link_digest(previous: bytes, kind: str, written: str) -> bytes:
    """The digest of a link that has no digest of its row: SHA-256 over the previous digest, the
    table name, a line feed, the row."""
    return sha256(previous + f"{kind}\n{written}".encode()).digest()


def head_digest(previous: bytes, links: Iterable[bytes]) -> bytes:
    """The digest of a head: SHA-256 over the previous one and the digests of its links."""
    return sha256(previous + b"".join(links)).digest()
