"""What a tape shows as paid more than is on record is kept, until an event explains it.

Of earlier tapes it is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0047"


def upgrade() -> None:
    op.create_table(
        "paid_by_tape",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("tape_as_of", sa.Date(), nullable=False),
        sa.Column("previous_tape", sa.Date(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("paid_by_tape_amount_not_negative")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("paid_by_tape_loan_id_fkey")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("paid_by_tape_payment_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("paid_by_tape_pkey")),
    )
    op.create_index(op.f("paid_by_tape_loan_id_idx"), "paid_by_tape", ["loan_id"])
