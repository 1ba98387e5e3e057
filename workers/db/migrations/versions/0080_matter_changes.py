"""What was changed of an open dispute or complaint has a row each: its kind, whom, who handles it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0080"
down_revision = "0089"


def upgrade() -> None:
    op.create_table(
        "matter_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("dispute_id", sa.BigInteger(), sa.ForeignKey("dispute.id")),
        sa.Column("complaint_id", sa.BigInteger(), sa.ForeignKey("complaint.id")),
        sa.Column("borrower_id", sa.BigInteger(), sa.ForeignKey("borrower.id"), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why_id", UUID(as_uuid=True)),
        sa.CheckConstraint(
            "field IN ('kind', 'about_staff', 'handler')", name=op.f("matter_change_field_known")
        ),
        sa.CheckConstraint(
            "num_nonnulls(dispute_id, complaint_id) = 1", name=op.f("matter_change_of_one")
        ),
    )
    for column in ("dispute_id", "complaint_id"):
        op.create_index(
            f"matter_change_{column}_idx",
            "matter_change",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index("matter_change_borrower_id_idx", "matter_change", ["borrower_id"])
