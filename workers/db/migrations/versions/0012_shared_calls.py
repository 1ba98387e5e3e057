"""One call about several loans of a person: its rows refer to the first of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("call", sa.Column("part_of", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("call_part_of_fkey"), "call", "call", ["part_of"], ["id"])
    op.create_index(
        op.f("call_part_of_idx"),
        "call",
        ["part_of"],
        unique=False,
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )
