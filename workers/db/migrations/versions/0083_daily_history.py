"""The daily history: states of loans, the book at the end of each month, totals of each day."""

import sqlalchemy as sa
from alembic import op

revision = "0083"
down_revision = "0070"

_STANDINGS = (
    "'not_past_due', 'on_ladder', 'held', 'in_grace', 'below_minimum', 'no_ladder', 'written_off'"
)
_HOLDS = (
    "'arrangement', 'deferral', 'promise', 'dispute', 'vulnerability', 'moratorium', "
    "'breathing_space', 'mental_health_crisis', 'insolvency', 'deceased', 'legal_stay', "
    "'manual', 'absent'"
)
_MEASURES = (
    "'calls', 'right_party', 'texts', 'visits', 'promises_made', 'promises_kept', "
    "'promises_broken', 'paid', 'reversed', 'open_work'"
)


def _state(table: str) -> list[sa.schema.SchemaItem]:
    money = sa.Numeric(18, 4)
    return [
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("delinquent_since", sa.Date()),
        sa.Column("bucket", sa.Text()),
        sa.Column("step", sa.Text()),
        sa.Column("hold", sa.Text()),
        sa.Column("past_due", money, nullable=False),
        sa.Column("principal", money, nullable=False),
        sa.Column("unpaid", money, nullable=False),
        sa.CheckConstraint(f"standing IN ({_STANDINGS})", name=op.f(f"{table}_standing_known")),
        sa.CheckConstraint(f"hold IN ({_HOLDS})", name=op.f(f"{table}_hold_known")),
    ]


def upgrade() -> None:
    op.create_table(
        "loan_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("loan_id", sa.BigInteger(), sa.ForeignKey("loan.id"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        *_state("loan_day"),
    )
    op.create_index("loan_day_loan_id_day_id_idx", "loan_day", ["loan_id", "day", "id"])
    op.create_index(
        "loan_day_delinquent_since_idx",
        "loan_day",
        ["delinquent_since"],
        postgresql_where=sa.text("delinquent_since IS NOT NULL"),
    )
    op.create_table(
        "loan_month",
        sa.Column("month_end", sa.Date(), primary_key=True),
        sa.Column("loan_id", sa.BigInteger(), sa.ForeignKey("loan.id"), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        *_state("loan_month"),
    )
    op.create_table(
        "daily_total",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value_day", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("step", sa.Text()),
        sa.Column("team", sa.Text()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(18, 4)),
        sa.CheckConstraint(f"measure IN ({_MEASURES})", name=op.f("daily_total_measure_known")),
    )
    op.create_index("daily_total_day_measure_idx", "daily_total", ["day", "measure"])
    op.create_table(
        "closed_day",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what IN ('totals', 'month')", name=op.f("closed_day_what_known")),
    )
    for table, column in (
        ("contact", "at"),
        ("contact_outcome", "reported_at"),
        ("payment", "recorded_at"),
        ("promise", "made_at"),
    ):
        op.create_index(f"{table}_{column}_idx", table, [column], postgresql_using="brin")
    for table, column in (("payment", "reversed_at"), ("promise", "completed_at")):
        op.create_index(
            f"{table}_{column}_idx",
            table,
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
