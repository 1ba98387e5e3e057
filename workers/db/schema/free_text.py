"""What people typed in words of their own, encrypted, apart from the rows that it is about."""

from sqlalchemy import Column, Index, LargeBinary, Table
from sqlalchemy.dialects.postgresql import UUID

from workers.db.schema.base import metadata, moment, refers_to

# One row for each text. Rows of evidence refer to it by its id, in columns named `*_id` and in
# reasons under `why_id`, and an erasure deletes it: what is in the chain never changes. So there is
# no foreign key, and an id without a row is a text that was erased.
free_text = Table(
    "free_text",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    # Whose it is: it goes with their erasure. Neither: of the lender itself.
    refers_to("loan", nullable=True),
    refers_to("borrower", nullable=True),
    Column("words_encrypted", LargeBinary, nullable=False),
    moment("written_at"),
    moment("expires_at", nullable=True),  # of nobody on record: it is deleted then
    Index("free_text_loan_idx", "loan_id", postgresql_where="loan_id IS NOT NULL"),
    Index("free_text_borrower_idx", "borrower_id", postgresql_where="borrower_id IS NOT NULL"),
    Index("free_text_expires_idx", "expires_at", postgresql_where="expires_at IS NOT NULL"),
)
