"""When the letter that answers a dispute or a complaint was printed, and by whom.

The new columns are empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"


def upgrade() -> None:
    for table in ("dispute", "complaint"):
        op.add_column(table, sa.Column("letter_printed_at", sa.DateTime(timezone=True)))
        op.add_column(table, sa.Column("letter_printed_by", sa.Text()))
        op.create_check_constraint(
            op.f(f"{table}_printed_by_somebody"),
            table,
            "(letter_printed_at IS NULL) = (letter_printed_by IS NULL)",
        )
