"""Schedules that another one replaced are kept, and loans that a full tape leaves out are listed.

Which mapping a loan came in by is known from its next tape on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"

AMOUNTS = ("fees", "interest", "principal", "paid_fees", "paid_interest", "paid_principal")
HOLD_KINDS = (
    *("arrangement", "deferral", "promise", "dispute", "vulnerability", "moratorium"),
    *("breathing_space", "mental_health_crisis", "insolvency", "deceased", "legal_stay"),
    *("manual", "absent"),
)


def upgrade() -> None:
    op.add_column("loan", sa.Column("tape_mapping", sa.Text(), nullable=True))
    op.add_column("loan", sa.Column("restructured_on", sa.Date(), nullable=True))
    op.create_table(
        "replaced_schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("restructured_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("tape_as_of", sa.Date(), nullable=True),
        sa.Column("instalments", sa.Integer(), nullable=False),
        sa.Column("first_due_on", sa.Date(), nullable=False),
        sa.Column("last_due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(18, 4), nullable=False),
        sa.Column("paid", sa.Numeric(18, 4), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loan.id"], name=op.f("replaced_schedule_loan_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("replaced_schedule_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("replaced_schedule_external_id_key")),
    )
    op.create_index(op.f("replaced_schedule_loan_id_idx"), "replaced_schedule", ["loan_id"])
    op.create_table(
        "replaced_instalment",
        sa.Column("replaced_schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Numeric(18, 4), nullable=False) for name in AMOUNTS),
        sa.ForeignKeyConstraint(
            ["replaced_schedule_id"],
            ["replaced_schedule.id"],
            name=op.f("replaced_instalment_replaced_schedule_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "replaced_schedule_id", "due_on", name=op.f("replaced_instalment_pkey")
        ),
    )
    op.create_table(
        "absent_loan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("back_on", sa.Date(), nullable=True),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("absent_loan_hold_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("absent_loan_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("absent_loan_pkey")),
    )
    op.create_index(op.f("absent_loan_loan_id_idx"), "absent_loan", ["loan_id"])
    op.create_index(
        "absent_loan_open_idx",
        "absent_loan",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text("back_at IS NULL"),
    )
    kinds = ", ".join(f"'{kind}'" for kind in HOLD_KINDS)
    op.drop_constraint(op.f("hold_kind_known"), "hold", type_="check")
    op.create_check_constraint(op.f("hold_kind_known"), "hold", f"kind IN ({kinds})")
