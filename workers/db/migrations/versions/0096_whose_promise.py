"""A promise and a request say who made it, where it was a co-borrower or a guarantor."""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0064"


def upgrade() -> None:
    for table in ("promise", "arrangement"):
        whose = sa.ForeignKey("borrower.id", name=op.f(f"{table}_borrower_id_fkey"))
        op.add_column(table, sa.Column("borrower_id", sa.BigInteger(), whose))
