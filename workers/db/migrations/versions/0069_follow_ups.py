"""Actions may follow from something that happened, and not only from a day of the ladder.

The key of an action gets its cause, so the unique index of all actions is built anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0066"


def upgrade() -> None:
    op.alter_column("action", "decision_id", nullable=True)
    op.add_column("action", sa.Column("follows", sa.Text(), nullable=True))
    op.add_column("action", sa.Column("cause", sa.Text(), nullable=True))
    op.add_column("action", sa.Column("caused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("action", sa.Column("act_until", sa.Date(), nullable=True))
    op.create_check_constraint(
        "decided_or_caused",
        "action",
        "num_nulls(follows, cause, caused_at, act_until) = "
        "CASE WHEN decision_id IS NULL THEN 0 ELSE 4 END",
    )
    op.drop_constraint("action_once", "action", type_="unique")
    op.create_unique_constraint(
        "action_once",
        "action",
        ["loan_id", "ladder_since", "item", "party_id", "cause"],
        postgresql_nulls_not_distinct=True,
    )
