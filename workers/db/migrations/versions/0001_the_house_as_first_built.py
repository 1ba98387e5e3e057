"""The house as first built."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "borrower",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("facts_digest", sa.LargeBinary(), nullable=False),
        sa.Column("zones", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("borrower_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("borrower_external_id_key")),
    )
    op.create_index(op.f("borrower_phone_digest_idx"), "borrower", ["phone_digest"], unique=False)
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("woken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('received', 'applied', 'rejected')", name=op.f("inbox_event_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_event_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("inbox_event_external_id_key")),
    )
    op.create_index(
        "inbox_event_payment_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'loan')")],
        unique=False,
        postgresql_where=sa.text("status = 'received' AND kind = 'payment'"),
    )
    op.create_index(
        "inbox_event_waiting_idx",
        "inbox_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_table(
        "policy_version",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "version", name=op.f("policy_version_pkey")),
    )
    op.create_table(
        "scan_run",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("loans", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("envelopes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("business_date", name=op.f("scan_run_pkey")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("daily_capacity", sa.Integer(), nullable=False),
        sa.Column("trained_on", sa.Date(), nullable=True),
        sa.CheckConstraint("daily_capacity >= 0", name=op.f("staff_capacity_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("staff_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("staff_external_id_key")),
    )
    op.create_table(
        "tape_import",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("rows_taken", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tape_import_pkey")),
    )
    op.create_table(
        "loan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("lease_token", sa.UUID(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tape_as_of", sa.Date(), nullable=True),
        sa.Column("steps_tried", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("steps_tried_at", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("loan_currency_iso")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("loan_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("loan_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("loan_external_id_key")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "loan_anchor_idx",
        "loan",
        ["anchor_on"],
        unique=False,
        postgresql_where="anchor_on IS NOT NULL",
    )
    op.create_index(op.f("loan_borrower_id_idx"), "loan", ["borrower_id"], unique=False)
    op.create_index(
        "loan_review_idx",
        "loan",
        ["review_on", "id"],
        unique=False,
        postgresql_where="review_on IS NOT NULL",
    )
    op.create_table(
        "opt_out",
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'call', 'visit', 'legal')", name=op.f("opt_out_channel_known")
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("opt_out_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("borrower_id", "channel", name=op.f("opt_out_pkey")),
    )
    op.create_table(
        "shift",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("shift_ends_after_it_starts")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("shift_staff_id_fkey")),
        sa.PrimaryKeyConstraint("staff_id", "starts_at", name=op.f("shift_pkey")),
    )
    op.create_table(
        "collection_case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loan.id"], name=op.f("collection_case_loan_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("collection_case_pkey")),
    )
    op.create_index(
        "collection_case_one_open_per_loan",
        "collection_case",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=True),
        sa.Column("days_past_due", sa.Integer(), nullable=False),
        sa.Column("past_due", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("ladder_id", sa.Text(), nullable=True),
        sa.Column("ladder_version", sa.Integer(), nullable=True),
        sa.Column("ladder_day", sa.Integer(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("hold_kind", sa.Text(), nullable=True),
        sa.Column("waits_for", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("rule_packs", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('act', 'wait', 'held', 'in_grace', 'below_minimum', 'no_ladder', 'not_past_due')",
            name=op.f("decision_outcome_known"),
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("decision_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("decision_pkey")),
    )
    op.create_index(op.f("decision_loan_id_id_idx"), "decision", ["loan_id", "id"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('arrangement', 'promise', 'dispute', 'vulnerability', 'moratorium', 'manual')",
            name=op.f("hold_kind_known"),
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on >= starts_on", name=op.f("hold_ends_after_it_starts")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("hold_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hold_pkey")),
    )
    op.create_index(op.f("hold_loan_id_idx"), "hold", ["loan_id"], unique=False)
    op.create_table(
        "instalment",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("fees", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column(
            "interest", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.Column(
            "principal", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.Column(
            "paid_fees", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.Column(
            "paid_interest", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.Column(
            "paid_principal", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.CheckConstraint(
            "paid_fees BETWEEN 0 AND fees", name=op.f("instalment_fees_not_overpaid")
        ),
        sa.CheckConstraint(
            "paid_interest BETWEEN 0 AND interest", name=op.f("instalment_interest_not_overpaid")
        ),
        sa.CheckConstraint(
            "paid_principal BETWEEN 0 AND principal", name=op.f("instalment_principal_not_overpaid")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("instalment_loan_id_fkey")),
        sa.PrimaryKeyConstraint("loan_id", "due_on", name=op.f("instalment_pkey")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "unallocated", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False
        ),
        sa.Column("in_tape_of", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("payment_amount_positive")),
        sa.CheckConstraint(
            "unallocated BETWEEN 0 AND amount", name=op.f("payment_unallocated_within")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("payment_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("payment_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("payment_external_id_key")),
    )
    op.create_index(op.f("payment_loan_id_idx"), "payment", ["loan_id"], unique=False)
    op.create_table(
        "problem",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("problem_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("problem_pkey")),
    )
    op.create_index(
        "problem_once_while_open",
        "problem",
        ["loan_id", "kind"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("ladder_id", sa.Text(), nullable=False),
        sa.Column("ladder_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("claim_token", sa.UUID(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("woken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'claimed') = (claim_token IS NOT NULL)",
            name=op.f("action_claimed_means_by_token"),
        ),
        sa.CheckConstraint(
            "status IN ('planned', 'awaiting_approval', 'deferred', 'claimed', 'failed', 'unknown', 'dead', 'skipped', 'done', 'cancelled', 'barred')",
            name=op.f("action_status_known"),
        ),
        sa.CheckConstraint(
            "work IN ('send_sms', 'assign_call', 'schedule_visit', 'open_legal_file')",
            name=op.f("action_work_known"),
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("action_decision_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("action_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("action_pkey")),
        sa.UniqueConstraint("loan_id", "anchor_on", "item", name="action_once"),
    )
    op.create_index(
        "action_claimed_idx",
        "action",
        ["claimed_until"],
        unique=False,
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index(
        "action_due_idx",
        "action",
        ["work", "due_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('deferred', 'failed', 'planned')"),
    )
    op.create_table(
        "allocation",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.CheckConstraint(
            "component IN ('fees', 'interest', 'principal')",
            name=op.f("allocation_component_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("allocation_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("allocation_payment_id_fkey")
        ),
        sa.PrimaryKeyConstraint("payment_id", "due_on", "component", name=op.f("allocation_pkey")),
    )
    op.create_table(
        "action_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["action.id"], name=op.f("action_event_action_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("action_event_pkey")),
    )
    op.create_index(op.f("action_event_action_id_idx"), "action_event", ["action_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("approval_action_id_fkey")),
        sa.PrimaryKeyConstraint("action_id", name=op.f("approval_pkey")),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("must_learn", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("may_offer", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("call_action_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("call_loan_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("call_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("call_pkey")),
        sa.UniqueConstraint("action_id", name=op.f("call_action_id_key")),
    )
    op.create_index(
        op.f("call_staff_id_assigned_at_idx"), "call", ["staff_id", "assigned_at"], unique=False
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("rule_packs", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'call', 'visit', 'legal')", name=op.f("contact_channel_known")
        ),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("contact_action_id_fkey")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("contact_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("contact_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_pkey")),
    )
    op.create_index(op.f("contact_action_id_idx"), "contact", ["action_id"], unique=False)
    op.create_index(
        op.f("contact_borrower_id_at_idx"), "contact", ["borrower_id", "at"], unique=False
    )
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("document_action_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("document_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("document_pkey")),
        sa.UniqueConstraint("action_id", "kind", name="document_once"),
    )
    op.create_table(
        "legal_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("principal", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("interest", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("fees", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("limitation_on", sa.Date(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["action.id"], name=op.f("legal_file_action_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("legal_file_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("legal_file_pkey")),
        sa.UniqueConstraint("action_id", name=op.f("legal_file_action_id_key")),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("visit_action_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("visit_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("visit_pkey")),
        sa.UniqueConstraint("action_id", name=op.f("visit_action_id_key")),
    )
    op.create_table(
        "legal_file_line",
        sa.Column("legal_file_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("principal", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("interest", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("fees", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.ForeignKeyConstraint(
            ["legal_file_id"], ["legal_file.id"], name=op.f("legal_file_line_legal_file_id_fkey")
        ),
        sa.PrimaryKeyConstraint("legal_file_id", "due_on", name=op.f("legal_file_line_pkey")),
    )
    op.create_table(
        "legal_file_need",
        sa.Column("legal_file_id", sa.BigInteger(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("met_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["legal_file_id"], ["legal_file.id"], name=op.f("legal_file_need_legal_file_id_fkey")
        ),
        sa.PrimaryKeyConstraint("legal_file_id", "need", name=op.f("legal_file_need_pkey")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("segments", sa.SmallInteger(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('reserved', 'unknown', 'refused', 'accepted', 'sent', 'undelivered', 'failed', 'delivered')",
            name=op.f("message_status_known"),
        ),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("message_action_id_fkey")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("message_contact_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("message_pkey")),
        sa.UniqueConstraint("sid", name=op.f("message_sid_key")),
    )
    op.create_index(
        "message_one_live_per_action",
        "message",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_table(
        "visit_staff",
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="visit_staff_one_place_at_a_time",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("visit_staff_staff_id_fkey")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("visit_staff_visit_id_fkey")),
        sa.PrimaryKeyConstraint("visit_id", "staff_id", name=op.f("visit_staff_pkey")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("receipt_message_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("receipt_pkey")),
        sa.UniqueConstraint("sid", "status", name="receipt_once"),
    )
