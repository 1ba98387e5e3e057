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

OUTCOMES = (
    "'act', 'wait', 'held', 'in_grace', 'below_minimum', 'no_ladder', 'not_past_due', 'written_off'"
)


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
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
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
        "outbox_event_dead_idx",
        "outbox_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'dead'"),
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
        sa.Column("handled_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(handled_at IS NULL) = (handled_by IS NULL)", name=op.f("reply_handled_by_somebody")
        ),
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
        op.f("reply_staff_id_assigned_at_idx"), "reply", ["staff_id", "assigned_at"], unique=False
    )
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
        "action_unknown_idx",
        "action",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'unknown'"),
    )
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
    op.drop_constraint(op.f("decision_outcome_known"), "decision", type_="check")
    op.create_check_constraint(
        op.f("decision_outcome_known"), "decision", f"outcome IN ({OUTCOMES})"
    )
    op.drop_index("inbox_event_payment_waiting_idx", table_name="inbox_event")
    op.create_index(
        "inbox_event_loan_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'loan')")],
        unique=False,
        postgresql_where=sa.text(
            "status = 'received' AND kind IN ('payment', 'promise', 'dispute', 'hold', 'write_off')"
        ),
    )
    op.create_index(
        "inbox_event_borrower_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("status = 'received' AND kind IN ('contact_change')"),
    )
    op.create_index(
        "inbox_event_contact_change_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("kind = 'contact_change'"),
    )
    _keep_what_happened()


def _keep_what_happened() -> None:
    """What the story of a loan needs, so that it stays as it was told."""
    op.add_column("loan", sa.Column("written_off_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment", sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "contact",
        sa.Column("zones", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "visit_staff", sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.drop_constraint("visit_staff_one_place_at_a_time", "visit_staff")
    op.execute(
        "ALTER TABLE visit_staff ADD CONSTRAINT visit_staff_one_place_at_a_time"
        " EXCLUDE USING gist (int8range(staff_id, staff_id, '[]') WITH &&,"
        " tstzrange(starts_at, ends_at) WITH &&) WHERE (called_off_at IS NULL)"
    )
    op.create_table(
        "hold_release",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("hold_release_hold_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hold_release_pkey")),
    )
    op.create_index(op.f("hold_release_hold_id_idx"), "hold_release", ["hold_id"], unique=False)
    op.create_table(
        "tape_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tape_import_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("anchor_before", sa.Date(), nullable=True),
        sa.Column("past_due_before", sa.Numeric(precision=18, scale=4), nullable=True),
        sa.Column("anchor_after", sa.Date(), nullable=True),
        sa.Column("past_due_after", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.ForeignKeyConstraint(
            ["tape_import_id"], ["tape_import.id"], name=op.f("tape_change_tape_import_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("tape_change_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("tape_change_pkey")),
    )
    op.create_index(op.f("tape_change_loan_id_idx"), "tape_change", ["loan_id"], unique=False)
    op.create_table(
        "access",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.CheckConstraint("what IN ('letter')", name=op.f("access_what_known")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("access_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("access_pkey")),
    )
    op.create_index(op.f("access_loan_id_idx"), "access", ["loan_id"], unique=False)
