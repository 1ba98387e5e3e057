"""The quality of calls: samples to be heard, and how calls were judged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0084"
down_revision = "0078"


def upgrade() -> None:
    op.create_table(
        "quality_sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("team", sa.Text()),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("sheet_version", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("without_recording", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("quality_sample_period_in_order")),
        sa.UniqueConstraint(
            *("first_day", "last_day", "team", "sheet", "sheet_version"),
            name="quality_sample_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "quality_pick",
        sa.Column(
            "quality_sample_id",
            sa.BigInteger(),
            sa.ForeignKey("quality_sample.id"),
            primary_key=True,
        ),
        sa.Column("contact_id", sa.BigInteger(), sa.ForeignKey("contact.id"), primary_key=True),
        sa.Column("because", ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )
    op.create_index("quality_pick_contact_id_idx", "quality_pick", ["contact_id"])
    op.create_table(
        "quality_review",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("contact_id", sa.BigInteger(), sa.ForeignKey("contact.id"), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("sheet_version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marks", JSONB(), nullable=False),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("failed", ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("rules", ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("failed_critical", sa.Boolean(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("quality_review_score_in_percent")),
        sa.CheckConstraint(
            "NOT (failed_critical AND passed)",
            name=op.f("quality_review_critical_fails_the_call"),
        ),
        sa.UniqueConstraint("contact_id", "reviewer", name="quality_review_once_each"),
    )
    op.create_index("quality_review_reviewed_at_idx", "quality_review", ["reviewed_at"])
