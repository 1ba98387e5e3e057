"""What was recorded for the limitation period can be taken back, and stays as history.

Of promises that were withdrawn nobody has said whether they were really made: they do not interrupt
the period any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0036"

ONCE = {
    "acknowledgement": ["loan_id", "acknowledged_on", "proof", "borrower_id"],
    "limitation_fact": ["loan_id", "fact", "starts_on"],
}


def upgrade() -> None:
    op.add_column("promise", sa.Column("was_made", sa.Boolean(), nullable=True))
    for table, once in ONCE.items():
        op.drop_constraint(op.f(f"{table}_pkey"), table)
        op.add_column(
            table, sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)
        )
        op.create_primary_key(op.f(f"{table}_pkey"), table, ["id"])
        op.add_column(table, sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True))
        op.add_column(table, sa.Column("taken_back_by", sa.Text(), nullable=True))
        op.create_unique_constraint(
            f"{table}_once", table, [*once, "taken_back_at"], postgresql_nulls_not_distinct=True
        )
