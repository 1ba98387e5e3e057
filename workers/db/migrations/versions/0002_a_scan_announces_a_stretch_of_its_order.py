"""A scan announces a stretch of its order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("from_review_on", sa.Date(), nullable=False),
        sa.Column("from_loan_id", sa.BigInteger(), nullable=False),
        sa.Column("to_review_on", sa.Date(), nullable=False),
        sa.Column("to_loan_id", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("announcement_pkey")),
    )
    op.add_column("loan", sa.Column("put_aside_until", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("loan_review_idx", table_name="loan")
    op.create_index(
        "loan_review_idx",
        "loan",
        ["review_on", "id"],
        unique=False,
        postgresql_include=["put_aside_until"],
        postgresql_where="review_on IS NOT NULL",
    )
    op.execute("ALTER TABLE loan RESET (fillfactor)")
    op.drop_column("loan", "lease_token")
    op.drop_column("loan", "lease_until")
