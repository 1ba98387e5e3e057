"""When the ladder of a loan started: the day on which what is past due reached its minimum.

Until now every ladder started on the due date of the oldest unpaid instalment. Actions and loans
keep that day until the next review. Decisions are evidence and stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("loan", sa.Column("ladder_since", sa.Date()))
    op.execute("UPDATE loan SET ladder_since = delinquent_since WHERE delinquent_since IS NOT NULL")
    op.create_index(
        "loan_ladder_since_idx",
        "loan",
        ["ladder_since"],
        postgresql_where=sa.text("ladder_since IS NOT NULL"),
    )
    op.add_column("decision", sa.Column("ladder_since", sa.Date()))
    op.alter_column("action", "delinquent_since", new_column_name="ladder_since")
