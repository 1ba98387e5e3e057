"""One text or one call about several loans of a person: its rows refer to the first of them.

The new column is empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("contact", sa.Column("part_of", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("contact_part_of_fkey"), "contact", "contact", ["part_of"], ["id"])
    op.create_index(
        op.f("contact_part_of_idx"),
        "contact",
        ["part_of"],
        unique=False,
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )
