"""All tables as first released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

EVIDENCE = {
    "decision": "id",
    "action_event": "id",
    "contact": "id",
    "contact_outcome": "contact_id",
    "receipt": "id",
    "access": "id",
    "erasure": "id",
}
"""Append-only tables of evidence, each with its key."""

QUEUE_FOR_CHAIN = """
CREATE FUNCTION queue_for_evidence_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO evidence_due (kind, row_id) SELECT %L, %I FROM written', TG_ARGV[0], TG_ARGV[1]
    );
    RETURN NULL;
END $$
"""
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are evidence: they are added to, never changed or removed',
        TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    _create_tables()
    _create_triggers()


def _create_triggers() -> None:
    op.execute(QUEUE_FOR_CHAIN)
    op.execute(REFUSE_CHANGE)
    for table, key in EVIDENCE.items():
        op.execute(
            f"CREATE TRIGGER {table}_is_due AFTER INSERT ON {table} "
            "REFERENCING NEW TABLE AS written FOR EACH STATEMENT "
            f"EXECUTE FUNCTION queue_for_evidence_chain('{table}', '{key}')"
        )
    for table in (*EVIDENCE, "evidence_head", "evidence_link"):
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_evidence()"
        )


def _create_tables() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("from_review_on", sa.Date(), nullable=False),
        sa.Column("from_loan_id", sa.BigInteger(), nullable=False),
        sa.Column("to_review_on", sa.Date(), nullable=False),
        sa.Column("to_loan_id", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("announcement_pkey")),
    )
    op.create_table(
        "borrower",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("phone_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("phone_blind_index", sa.LargeBinary(), nullable=True),
        sa.Column("address_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("facts_digest", sa.LargeBinary(), nullable=False),
        sa.Column("zones", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("phone_at_work", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("phone_invalid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ceased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(erased_at IS NULL) = (name_encrypted IS NOT NULL)",
            name=op.f("borrower_named_unless_erased"),
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR (phone_encrypted IS NULL AND phone_blind_index IS NULL AND address_encrypted IS NULL)",
            name=op.f("borrower_erased_means_all_of_it"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("borrower_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("borrower_external_id_key")),
    )
    op.create_index(
        op.f("borrower_phone_blind_index_idx"), "borrower", ["phone_blind_index"], unique=False
    )
    op.create_table(
        "daily_run",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task", "business_date", name=op.f("daily_run_pkey")),
    )
    op.create_table(
        "encryption_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("index_key_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("encryption_key_pkey")),
        sa.UniqueConstraint("key_id", name=op.f("encryption_key_key_id_key")),
    )
    op.create_table(
        "evidence_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_due_pkey")),
    )
    op.create_table(
        "evidence_head",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_head_pkey")),
    )
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stops_contact", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('received', 'applied', 'rejected', 'discarded')",
            name=op.f("inbox_event_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_event_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("inbox_event_external_id_key")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
    )
    op.create_index(
        "inbox_event_borrower_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("status = 'received' AND (payload ->> 'borrower') IS NOT NULL"),
    )
    op.create_index(
        "inbox_event_contact_change_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("kind = 'contact_change'"),
    )
    op.create_index(
        "inbox_event_loan_unapplied_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'loan')")],
        unique=False,
        postgresql_where=sa.text("status <> 'applied' AND (payload ->> 'loan') IS NOT NULL"),
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
        "sender_pace",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "sender", name=op.f("sender_pace_pkey")),
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
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=True),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "actor_kind IN ('staff', 'system', 'provider', 'borrower')",
            name=op.f("erasure_actor_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("erasure_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("erasure_pkey")),
    )
    op.create_index(op.f("erasure_borrower_id_idx"), "erasure", ["borrower_id"], unique=False)
    op.create_table(
        "evidence_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("evidence_head_id", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_head_id"],
            ["evidence_head.id"],
            name=op.f("evidence_link_evidence_head_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_link_pkey")),
        sa.UniqueConstraint("chain", "seq", name=op.f("evidence_link_chain_seq_key")),
        sa.UniqueConstraint("kind", "row_id", name=op.f("evidence_link_kind_row_id_key")),
    )
    op.create_index(
        op.f("evidence_link_evidence_head_id_idx"),
        "evidence_link",
        ["evidence_head_id"],
        unique=False,
    )
    op.create_table(
        "loan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("delinquent_since", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("quarantined_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_off_on", sa.Date(), nullable=True),
        sa.Column("written_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validation_notice_on", sa.Date(), nullable=True),
        sa.Column("acknowledged_on", sa.Date(), nullable=True),
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
    )
    op.create_index(op.f("loan_borrower_id_idx"), "loan", ["borrower_id"], unique=False)
    op.create_index(
        "loan_delinquent_since_idx",
        "loan",
        ["delinquent_since"],
        unique=False,
        postgresql_where="delinquent_since IS NOT NULL",
    )
    op.create_index(
        "loan_review_idx",
        "loan",
        ["review_on", "id"],
        unique=False,
        postgresql_include=["quarantined_until"],
        postgresql_where="review_on IS NOT NULL",
    )
    op.create_table(
        "opt_out",
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'call', 'visit', 'legal')", name=op.f("opt_out_channel_known")
        ),
        sa.CheckConstraint(
            "source_kind IN ('staff', 'system', 'provider', 'borrower')",
            name=op.f("opt_out_source_kind_known"),
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
        op.f("collection_case_loan_id_idx"), "collection_case", ["loan_id"], unique=False
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
        sa.Column("delinquent_since", sa.Date(), nullable=True),
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
            "outcome IN ('act', 'wait', 'held', 'in_grace', 'below_minimum', 'no_ladder', 'not_past_due', 'written_off')",
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
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('arrangement', 'deferral', 'promise', 'dispute', 'vulnerability', 'moratorium', 'breathing_space', 'mental_health_crisis', 'insolvency', 'deceased', 'legal_stay', 'manual')",
            name=op.f("hold_kind_known"),
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on >= starts_on", name=op.f("hold_ends_after_it_starts")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("hold_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hold_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("hold_external_id_key")),
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
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
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
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
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
        sa.Column("in_tape_as_of", sa.Date(), nullable=True),
        sa.Column("reversed_on", sa.Date(), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("problem_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("problem_pkey")),
    )
    op.create_index(op.f("problem_loan_id_idx"), "problem", ["loan_id"], unique=False)
    op.create_index(
        "problem_once_while_open",
        "problem",
        ["loan_id", "kind"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=True),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('stop', 'start', 'help', 'other')", name=op.f("reply_kind_known")
        ),
        sa.CheckConstraint(
            "(handled_at IS NULL) = (actor IS NULL)", name=op.f("reply_handled_by_somebody")
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
    op.create_index(op.f("reply_loan_id_idx"), "reply", ["loan_id"], unique=False)
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
        "tape_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tape_import_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delinquent_since_before", sa.Date(), nullable=True),
        sa.Column("past_due_before", sa.Numeric(precision=18, scale=4), nullable=True),
        sa.Column("delinquent_since_after", sa.Date(), nullable=True),
        sa.Column("past_due_after", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("tape_change_loan_id_fkey")),
        sa.ForeignKeyConstraint(
            ["tape_import_id"], ["tape_import.id"], name=op.f("tape_change_tape_import_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tape_change_pkey")),
    )
    op.create_index(op.f("tape_change_loan_id_idx"), "tape_change", ["loan_id"], unique=False)
    op.create_table(
        "access",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("borrower_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "what IN ('letter', 'number', 'address', 'reply', 'everything')",
            name=op.f("access_what_known"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(loan_id, borrower_id, reply_id) > 0", name=op.f("access_about_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("access_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("access_loan_id_fkey")),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("access_reply_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("access_pkey")),
    )
    op.create_index(op.f("access_borrower_id_idx"), "access", ["borrower_id"], unique=False)
    op.create_index(op.f("access_loan_id_idx"), "access", ["loan_id"], unique=False)
    op.create_index(op.f("access_reply_id_idx"), "access", ["reply_id"], unique=False)
    op.create_table(
        "action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("delinquent_since", sa.Date(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("ladder_id", sa.Text(), nullable=False),
        sa.Column("ladder_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("claim_token", sa.UUID(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'claimed') = (claim_token IS NOT NULL)",
            name=op.f("action_claimed_means_by_token"),
        ),
        sa.CheckConstraint(
            "status IN ('planned', 'awaiting_approval', 'deferred', 'claimed', 'failed', 'unknown', 'dead', 'discarded', 'skipped', 'assigned', 'done', 'cancelled', 'barred')",
            name=op.f("action_status_known"),
        ),
        sa.CheckConstraint(
            "type IN ('send_sms', 'assign_call', 'schedule_visit', 'open_legal_file')",
            name=op.f("action_type_known"),
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("action_decision_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("action_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("action_pkey")),
        sa.UniqueConstraint("loan_id", "delinquent_since", "item", name="action_once"),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
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
        ["type", "due_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('deferred', 'failed', 'planned')"),
    )
    op.create_index(
        "action_for_people_idx",
        "action",
        ["status", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('assigned', 'awaiting_approval', 'dead', 'unknown')"),
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
        "promise",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'open') = (completed_at IS NULL)", name=op.f("promise_completed_unless_open")
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
    op.create_index(op.f("promise_loan_id_idx"), "promise", ["loan_id"], unique=False)
    op.create_index(
        "promise_one_open_per_loan",
        "promise",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "action_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
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
        sa.Column("actor", sa.Text(), nullable=False),
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
    )
    op.create_index(op.f("call_action_id_idx"), "call", ["action_id"], unique=False)
    op.create_index(
        "call_one_live_per_action",
        "call",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL"),
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
        sa.Column("zones", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("warnings", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("party", sa.Text(), server_default="borrower", nullable=False),
        sa.Column("number_blind_index", sa.LargeBinary(), nullable=True),
        sa.Column("at_work", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempt", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('sms', 'call', 'visit', 'legal')", name=op.f("contact_channel_known")
        ),
        sa.CheckConstraint(
            "party IN ('borrower', 'third_party')", name=op.f("contact_party_known")
        ),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("contact_action_id_fkey")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("contact_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("contact_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_pkey")),
        sa.UniqueConstraint("attempt", name=op.f("contact_attempt_key")),
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
        sa.Column("body_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("document_action_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("document_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("document_pkey")),
    )
    op.create_index(op.f("document_action_id_idx"), "document", ["action_id"], unique=False)
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
        "contact_outcome",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('spoke', 'spoke_with_other', 'refused', 'voicemail', 'no_answer', 'busy', 'number_invalid')",
            name=op.f("contact_outcome_outcome_known"),
        ),
        sa.CheckConstraint(
            "reason IN ('forgot', 'payment_failed', 'income_fell', 'unemployed', 'illness', 'family', 'other_debts', 'disputes_it', 'will_not_pay', 'other')",
            name=op.f("contact_outcome_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("contact_outcome_contact_id_fkey")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("contact_outcome_pkey")),
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
        sa.Column("met_by", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
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
        sa.Column("body_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('reserved', 'unknown', 'parked', 'not_sent', 'refused', 'accepted', 'sent', 'undelivered', 'failed', 'delivered')",
            name=op.f("message_status_known"),
        ),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("message_action_id_fkey")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("message_contact_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("message_pkey")),
        sa.UniqueConstraint("provider", "sid", name=op.f("message_provider_sid_key")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
    )
    op.create_index(op.f("message_contact_id_idx"), "message", ["contact_id"], unique=False)
    op.create_index(
        "message_one_live_per_action",
        "message",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('not_sent', 'refused')"),
    )
    op.create_index(
        "message_unknown_idx",
        "message",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('unknown', 'parked')"),
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
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("visit_action_id_fkey")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("visit_contact_id_fkey")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("visit_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("visit_pkey")),
    )
    op.create_index(op.f("visit_action_id_idx"), "visit", ["action_id"], unique=False)
    op.create_index(op.f("visit_contact_id_idx"), "visit", ["contact_id"], unique=False)
    op.create_index(
        "visit_one_live_per_action",
        "visit",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL"),
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
        sa.UniqueConstraint("message_id", "sid", "status", name="receipt_once"),
    )
    op.create_table(
        "visit_staff",
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("cancelled_at IS NULL"),
            using="gist",
            name="visit_staff_one_place_at_a_time",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("visit_staff_staff_id_fkey")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("visit_staff_visit_id_fkey")),
        sa.PrimaryKeyConstraint("visit_id", "staff_id", name=op.f("visit_staff_pkey")),
    )
