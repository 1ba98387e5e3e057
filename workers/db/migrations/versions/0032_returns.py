"""Payments that went back in part, recoveries after a write-off, and write-offs taken back.

Nothing on record went back in part. Whether a payment on record was a recovery follows from its day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0038"


def upgrade() -> None:
    op.create_table(
        "payment_return",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(18, 4), nullable=False),
        sa.Column("undone", sa.Numeric(18, 4), server_default="0", nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("in_tape_as_of", sa.Date(), nullable=True),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('reversal', 'refund')", name=op.f("payment_return_kind_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("payment_return_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("payment_return_payment_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("payment_return_pkey")),
        sa.UniqueConstraint(
            "payment_id",
            "kind",
            "external_id",
            name=op.f("payment_return_payment_id_kind_external_id_key"),
        ),
    )
    op.create_table(
        "past_write_off",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("written_off_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_off_on", sa.Date(), nullable=False),
        sa.Column("written_off_by", sa.Text(), nullable=True),
        sa.Column("written_off_why", sa.Text(), nullable=True),
        sa.Column("taken_back_on", sa.Date(), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_by", sa.Text(), nullable=True),
        sa.Column("taken_back_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("past_write_off_loan_id_fkey")),
        sa.PrimaryKeyConstraint("loan_id", "written_off_at", name=op.f("past_write_off_pkey")),
    )
    op.add_column(
        "payment", sa.Column("returned", sa.Numeric(18, 4), server_default="0", nullable=False)
    )
    op.add_column(
        "payment", sa.Column("is_recovery", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_check_constraint(
        op.f("payment_returned_within"), "payment", "returned BETWEEN 0 AND amount - unallocated"
    )
    op.execute("""
        UPDATE payment p SET is_recovery = true
          FROM loan l WHERE l.id = p.loan_id AND p.paid_on >= l.written_off_on
    """)
