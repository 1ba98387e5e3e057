"""Events in and out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

STATUSES = {
    "action": (
        "'planned', 'awaiting_approval', 'deferred', 'claimed', 'failed', 'unknown', 'dead', "
        "'dropped', 'skipped', 'done', 'cancelled', 'barred'"
    ),
    "message": (
        "'reserved', 'unknown', 'parked', 'not_sent', 'refused', 'accepted', 'sent', "
        "'undelivered', 'failed', 'delivered'"
    ),
}


def upgrade() -> None:
    op.create_table(
        "sender_pace",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "sender", name=op.f("sender_pace_pkey")),
    )
    op.create_table(
        "outbox_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("woken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'waiting') = (due_at IS NOT NULL)",
            name=op.f("outbox_event_waiting_has_a_time"),
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'dead')", name=op.f("outbox_event_status_known")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("outbox_event_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_event_pkey")),
        sa.UniqueConstraint("event_id", name=op.f("outbox_event_event_id_key")),
    )
    op.create_index(
        "outbox_event_order_idx",
        "outbox_event",
        ["loan_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "outbox_event_waiting_idx",
        "outbox_event",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=True),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('stop', 'start', 'help', 'other')", name=op.f("reply_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("reply_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("reply_loan_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("reply_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reply_pkey")),
        sa.UniqueConstraint("provider", "sid", name=op.f("reply_provider_sid_key")),
    )
    op.create_index(op.f("reply_borrower_id_idx"), "reply", ["borrower_id"], unique=False)
    op.create_index(
        "reply_unhandled_idx",
        "reply",
        ["id"],
        unique=False,
        postgresql_where=sa.text("kind = 'other' AND handled_at IS NULL"),
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'open') = (settled_at IS NULL)", name=op.f("promise_settled_unless_open")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'kept', 'broken', 'withdrawn')", name=op.f("promise_status_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("promise_amount_positive")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("promise_hold_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("promise_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("promise_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("promise_external_id_key")),
    )
    op.create_index(
        "promise_due_idx",
        "promise",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "promise_one_open_per_loan",
        "promise",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.add_column("hold", sa.Column("external_id", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("hold_external_id_key"), "hold", ["external_id"])
    op.add_column("loan", sa.Column("written_off_on", sa.Date(), nullable=True))
    op.add_column("message", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("message_sid_key"), "message", type_="unique")
    op.create_unique_constraint(op.f("message_provider_sid_key"), "message", ["provider", "sid"])
    op.create_index(
        "message_unknown_idx",
        "message",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('unknown', 'parked')"),
    )
    op.add_column("payment", sa.Column("reversed_on", sa.Date(), nullable=True))
    for table, values in STATUSES.items():
        name = op.f(f"{table}_status_known")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"status IN ({values})")
    op.drop_index("message_one_live_per_action", table_name="message")
    op.create_index(
        "message_one_live_per_action",
        "message",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('not_sent', 'refused')"),
    )
