"""The chain of evidence: it shows every change and every removal of a recorded row.

A new column of a table of evidence must be null in existing rows: the chain has the digest of each
row as it was written, and null columns are not part of it.
"""

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
"""The append-only tables, each with its key. Only the owner of the tables could change a row, and
only after removing the triggers."""

# Rows of evidence without a link yet; triggers insert them in the transaction of the row.
evidence_due = Table(
    "evidence_due",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),  # the table
    Column("row_id", BigInteger, nullable=False),
)

# Append only: each head covers all links up to it, of all loans.
evidence_head = Table(
    "evidence_head",
    metadata,
    identity(),
    moment("at"),
    Column("links", Integer, nullable=False),  # how many links it added
    Column("digest", LargeBinary, nullable=False),
)

# Append only: one link for each row of evidence; its digest includes the previous digest.
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
