"""Each time the end of an arrangement is taken back has a row: it goes on, or is completed."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0054"


def upgrade() -> None:
    op.create_table(
        "arrangement_return",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column(
            "arrangement_id", sa.BigInteger(), sa.ForeignKey("arrangement.id"), nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
    )
    op.create_index(
        "arrangement_return_arrangement_id_idx", "arrangement_return", ["arrangement_id"]
    )
