"""How a row of evidence becomes a link of a chain: the one place that says what is hashed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, text

from workers.db.schema.evidence import EVIDENCE

ZERO_DIGEST = bytes(32)
"""What the first link of a chain, and the first head, follow on."""
NO_LOAN = 0
"""The chain of what is about no loan in particular."""

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
"""By table, the loan that a row of it (`t`) is about."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of evidence as it stands now."""

    chain: int
    text: str
    """Its columns that are not null, as PostgreSQL writes JSON, moments in UTC."""


def set_hash_format(connection: Connection) -> None:
    """Have this transaction write moments and bytes as digests have them."""
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    connection.execute(text("SET LOCAL bytea_output = 'hex'"))


def rows_of(connection: Connection, kind: str, ids: Sequence[int]) -> dict[int, Row]:
    """Rows of the table `kind`, by their keys; after `set_hash_format`."""
    key = EVIDENCE[kind]
    found = connection.execute(
        text(f"""
            SELECT t.{key} AS id, {_CHAIN[kind]} AS chain,
                   jsonb_strip_nulls(to_jsonb(t))::text AS written
              FROM {kind} t WHERE t.{key} = ANY(:ids)
        """),  # noqa: S608 - names of our own tables
        {"ids": list(ids)},
    )
    return {row.id: Row(row.chain or NO_LOAN, row.written) for row in found}


def link_digest(before: bytes, kind: str, written: str) -> bytes:
    """The digest of a link: SHA-256 over the one before, the table's name, a line feed, the row."""
    return sha256(before + f"{kind}\n{written}".encode()).digest()


def head_digest(before: bytes, links: Iterable[bytes]) -> bytes:
    """The digest of a head: SHA-256 over the one before and those of the links it added."""
    return sha256(before + b"".join(links)).digest()
