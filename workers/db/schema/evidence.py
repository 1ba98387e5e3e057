"""The chain of evidence: what was recorded cannot be changed or removed without its showing.

A column that is added to a table of evidence must be one that older rows leave null: the chain
holds the digest of each row as it was, and nulls are no part of it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from workers.db.schema.base import identity, metadata, moment, refers_to

EVIDENCE = {
    "decision": "id",
    "action_event": "id",
    "contact": "id",
    "contact_outcome": "contact_id",
    "receipt": "id",
    "access": "id",
    "erasure": "id",
}
"""The tables that are append-only, each with its key: no role but the owner's can change a row of
theirs, and no statement can while their triggers stand."""

# Rows of evidence that no chain holds yet, written by triggers in the transaction of the row.
evidence_due = Table(
    "evidence_due",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),  # the table
    Column("row_id", BigInteger, nullable=False),
)

# Append only: each stands for all links of the chain up to it, of all loans.
evidence_head = Table(
    "evidence_head",
    metadata,
    identity(),
    moment("at"),
    Column("links", Integer, nullable=False),  # how many it added
    Column("digest", LargeBinary, nullable=False),
)

# Append only: one for each row of evidence, each holding the digest of the one before it.
evidence_link = Table(
    "evidence_link",
    metadata,
    identity(),
    refers_to("evidence_head"),
    Column("chain", BigInteger, nullable=False),  # the loan's id; 0: of no loan
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    UniqueConstraint("chain", "seq"),
    UniqueConstraint("kind", "row_id"),
    Index(None, "evidence_head_id"),
)
