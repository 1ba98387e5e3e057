"""A loan that a tape is to change says whom its row names, where the record of the loan does not.

An interrupted import of before named no one: it holds back whoever has its loans on record.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("tape_pending_loan", sa.Column("records", ARRAY(sa.BigInteger()), nullable=True))
    op.create_index(
        "tape_pending_loan_records_idx",
        "tape_pending_loan",
        ["records"],
        postgresql_using="gin",
        postgresql_where=sa.text("records IS NOT NULL"),
    )
