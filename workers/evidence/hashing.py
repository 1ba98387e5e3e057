"""How a row of evidence is hashed into a link of a chain."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from sqlalchemy import Connection, text

from workers.db.schema.evidence import EVIDENCE

ZERO_DIGEST = bytes(32)
"""The previous digest of the first link of a chain, and of the first head."""
NO_LOAN = 0
"""The chain of rows that belong to no loan."""

_CHAIN = {
    "decision": "t.loan_id",
    "action_event": "(SELECT a.loan_id FROM action a WHERE a.id = t.action_id)",
    "contact": "t.loan_id",
    "contact_outcome": "(SELECT c.loan_id FROM contact c WHERE c.id = t.contact_id)",
    "receipt": (
        "(SELECT a.loan_id FROM message m JOIN action a ON a.id = m.action_id"
        " WHERE m.id = t.message_id)"
    ),
    "access": "coalesce(t.loan_id, (SELECT r.loan_id FROM reply r WHERE r.id = t.reply_id))",
    "erasure": "NULL::bigint",
}
"""By table, the id of the loan that a row (`t`) belongs to."""


EvidenceKey: TypeAlias = tuple[str, int]
"""The table of a row, and its key there."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A row of evidence as it is stored now."""

    chain: int
    text: str
    """Its columns that are not null, as PostgreSQL writes JSON, moments in UTC."""


def set_hash_format(connection: Connection) -> None:
    """Set the formats of moments and bytes in this transaction to those that are hashed."""
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    connection.execute(text("SET LOCAL bytea_output = 'hex'"))


def rows_of(connection: Connection, keys: Iterable[EvidenceKey]) -> dict[EvidenceKey, EvidenceRow]:
    """The rows with these keys; after `set_hash_format`. One statement for each table."""
    ids: dict[str, list[int]] = defaultdict(list)
    for kind, row_id in keys:
        ids[kind].append(row_id)
    return {
        (kind, row.id): EvidenceRow(row.chain or NO_LOAN, row.written)
        for kind in ids
        for row in connection.execute(
            text(f"""
                SELECT t.{EVIDENCE[kind]} AS id, {_CHAIN[kind]} AS chain,
                       jsonb_strip_nulls(to_jsonb(t))::text AS written
                  FROM {kind} t WHERE t.{EVIDENCE[kind]} = ANY(:ids)
            """),  # noqa: S608 - names of our own tables
            {"ids": ids[kind]},
        )
    }


def link_digest(previous: bytes, kind: str, written: str) -> bytes:
    """The digest of a link: SHA-256 over the previous one, the table name, a line feed, the row."""
    return sha256(previous + f"{kind}\n{written}".encode()).digest()


def head_digest(previous: bytes, links: Iterable[bytes]) -> bytes:
    """The digest of a head: SHA-256 over the previous one and the digests of its links."""
    return sha256(previous + b"".join(links)).digest()
