"""Adjustments of what is owed: charges, waivers, instalments left out, accelerations."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=True),
        sa.Column("component", sa.Text(), nullable=True),
        sa.Column("instalment", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_tape_as_of", sa.Date(), nullable=True),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('charge', 'waiver', 'left_out', 'acceleration')",
            name=op.f("adjustment_kind_known"),
        ),
        sa.CheckConstraint(
            "component IN ('fees', 'interest', 'principal')",
            name=op.f("adjustment_component_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("adjustment_amount_positive")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("adjustment_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("adjustment_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("adjustment_external_id_key")),
    )
    op.create_index(op.f("adjustment_loan_id_idx"), "adjustment", ["loan_id"], unique=False)
    op.create_table(
        "adjustment_part",
        sa.Column("adjustment_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "component IN ('fees', 'interest', 'principal')",
            name=op.f("adjustment_part_component_known"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("adjustment_part_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["adjustment.id"], name=op.f("adjustment_part_adjustment_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "adjustment_id", "due_on", "component", name=op.f("adjustment_part_pkey")
        ),
    )
