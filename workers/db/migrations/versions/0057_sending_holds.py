"""Sending holds, and where the counts of a day began."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0057"
down_revision = "0051"

_SCOPES = "'all', 'channel', 'jurisdiction', 'ladder'"
_CAUSES = (
    "'person', 'database_older', 'counter_missing', 'other_system', 'counter_unusable', "
    "'clock_behind', 'clock_ahead', 'evidence_stopped', 'too_much_sent'"
)


def upgrade() -> None:
    op.create_table(
        "sending_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column(
            "epoch", UUID(as_uuid=True), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("why", JSONB(), nullable=False),
        sa.Column("found", JSONB()),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True)),
        sa.Column("resumed_by", sa.Text()),
        sa.CheckConstraint(f"scope IN ({_SCOPES})", name=op.f("sending_hold_scope_known")),
        sa.CheckConstraint(f"cause IN ({_CAUSES})", name=op.f("sending_hold_cause_known")),
        sa.CheckConstraint(
            "(scope = 'all') = (subject IS NULL)", name=op.f("sending_hold_subject_unless_all")
        ),
        sa.CheckConstraint(
            "(resumed_at IS NULL) = (resumed_by IS NULL)",
            name=op.f("sending_hold_resumed_by_somebody"),
        ),
    )
    op.create_index(
        "sending_hold_open_once",
        "sending_hold",
        ["scope", "subject", "cause"],
        unique=True,
        postgresql_where=sa.text("resumed_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "sending_day",
        sa.Column("business_date", sa.Date(), primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("action_event_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("waiting", JSONB(), nullable=False),
    )
