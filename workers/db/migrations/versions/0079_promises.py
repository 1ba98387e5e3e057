"""Promises in parts, with what their terms said, and every move of their status."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0079"
down_revision = "0084"

MONEY = sa.Numeric(18, 4)


def upgrade() -> None:
    for column in (
        sa.Column("terms", sa.Text()),
        sa.Column("tolerance", MONEY),
        sa.Column("grace_days", sa.SmallInteger()),
        sa.Column("booking_days", sa.SmallInteger()),
        sa.Column("partly_from", MONEY),
        sa.Column("agreed_by", sa.Text()),
        sa.Column("replaces_id", sa.BigInteger(), sa.ForeignKey("promise.id")),
        sa.Column("a_month_id", UUID(as_uuid=True)),
        sa.Column("judge_on", sa.Date()),
    ):
        op.add_column("promise", column)
    op.drop_index("promise_due_idx", "promise")
    op.create_index(
        "promise_judge_on_idx",
        "promise",
        ["judge_on"],
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_constraint(op.f("promise_status_known"), "promise", type_="check")
    op.create_check_constraint(
        op.f("promise_status_known"),
        "promise",
        "status IN ('open', 'kept', 'part_kept', 'broken', 'withdrawn')",
    )
    op.create_table(
        "promise_part",
        sa.Column("promise_id", sa.BigInteger(), sa.ForeignKey("promise.id"), primary_key=True),
        sa.Column("due_on", sa.Date(), primary_key=True),
        sa.Column("amount", MONEY, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("promise_part_amount_positive")),
    )
    op.create_table(
        "promise_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("promise_id", sa.BigInteger(), sa.ForeignKey("promise.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("paid", MONEY),
    )
    op.create_index("promise_event_promise_id_idx", "promise_event", ["promise_id"])
