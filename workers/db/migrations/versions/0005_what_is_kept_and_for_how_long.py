"""What is kept, and for how long."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("message", "reply", "document"):
        op.alter_column(table, "body_sealed", nullable=True)
    op.alter_column("borrower", "name_sealed", nullable=True)
    op.add_column("borrower", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("borrower_named_unless_erased"),
        "borrower",
        "(erased_at IS NULL) = (name_sealed IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("borrower_erased_means_all_of_it"),
        "borrower",
        "erased_at IS NULL OR (phone_sealed IS NULL AND phone_digest IS NULL AND address_sealed IS NULL)",
    )
    op.create_index(op.f("message_contact_id_idx"), "message", ["contact_id"])
    _accesses()
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=True),
        sa.Column("rules", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("erasure_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("erasure_pkey")),
    )
    op.create_index(op.f("erasure_borrower_id_idx"), "erasure", ["borrower_id"])
    op.create_table(
        "daily_run",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task", "business_date", name=op.f("daily_run_pkey")),
    )
    op.create_table(
        "sealing_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("digest_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("sealing_key_pkey")),
        sa.UniqueConstraint("mark", name=op.f("sealing_key_mark_key")),
    )


def _accesses() -> None:
    """Looks are no longer at letters alone; until now each was taken to print one."""
    op.add_column(
        "access",
        sa.Column("purpose", sa.Text(), nullable=False, server_default="to be printed and posted"),
    )
    op.alter_column("access", "purpose", server_default=None)
    op.alter_column("access", "loan_id", nullable=True)
    for column, target in (("borrower_id", "borrower"), ("reply_id", "reply")):
        op.add_column("access", sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"access_{column}_fkey"), "access", target, [column], ["id"])
        op.create_index(op.f(f"access_{column}_idx"), "access", [column])
    op.create_check_constraint(
        op.f("access_about_somebody"), "access", "num_nonnulls(loan_id, borrower_id, reply_id) > 0"
    )
    op.drop_constraint(op.f("access_what_known"), "access", type_="check")
    op.create_check_constraint(
        op.f("access_what_known"), "access", "what IN ('letter', 'number', 'reply', 'everything')"
    )
