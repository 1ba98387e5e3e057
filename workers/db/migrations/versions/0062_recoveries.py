"""Recoveries after a restore, and the texts that a restored database did not know."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0062"
down_revision = "0061"

_STEPS = "'keys', 'journal', 'texts_in', 'texts_out', 'events', 'evidence', 'rest'"


def upgrade() -> None:
    op.create_table(
        "recovery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("finished_by", sa.Text()),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (finished_by IS NULL)",
            name=op.f("recovery_finished_by_somebody"),
        ),
    )
    op.create_table(
        "recovery_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("recovery_id", sa.BigInteger(), sa.ForeignKey("recovery.id"), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("found", JSONB()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.CheckConstraint(f"step IN ({_STEPS})", name=op.f("recovery_step_step_known")),
        sa.CheckConstraint(
            "status IN ('open', 'done', 'accepted')", name=op.f("recovery_step_status_known")
        ),
        sa.UniqueConstraint("recovery_id", "step", "subject"),
    )
    op.create_table(
        "recovered_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("recovery_id", sa.BigInteger(), sa.ForeignKey("recovery.id"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number_blind_index", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), sa.ForeignKey("contact.id")),
        sa.UniqueConstraint("provider", "sid"),
    )
    op.create_index(
        "recovered_text_number_blind_index_idx", "recovered_text", ["number_blind_index"]
    )
