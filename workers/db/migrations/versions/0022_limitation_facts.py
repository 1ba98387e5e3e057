"""What interrupts or suspends the limitation period, and who acknowledged a debt.

Each acknowledgement on record is the borrower's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "limitation_fact",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "fact IN ('delivered_demand', 'suit', 'assignment_notice', 'debit_in_vain',"
            " 'force_majeure', 'no_guardian', 'no_successor', 'military_service')",
            name=op.f("limitation_fact_fact_known"),
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loan.id"], name=op.f("limitation_fact_loan_id_fkey")
        ),
        sa.PrimaryKeyConstraint("loan_id", "fact", "starts_on", name=op.f("limitation_fact_pkey")),
    )
    op.add_column(
        "acknowledgement",
        sa.Column(
            "borrower_id",
            sa.BigInteger(),
            sa.ForeignKey("borrower.id", name=op.f("acknowledgement_borrower_id_fkey")),
        ),
    )
    op.execute(
        "UPDATE acknowledgement SET borrower_id = l.borrower_id"
        " FROM loan l WHERE l.id = acknowledgement.loan_id"
    )
    op.alter_column("acknowledgement", "borrower_id", nullable=False)
    op.drop_constraint("acknowledgement_pkey", "acknowledgement")
    op.create_primary_key(
        op.f("acknowledgement_pkey"),
        "acknowledgement",
        ["loan_id", "acknowledged_on", "proof", "borrower_id"],
    )
