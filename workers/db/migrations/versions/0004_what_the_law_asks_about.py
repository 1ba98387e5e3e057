"""What the law asks about: how a contact went, where it reached, what a borrower asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

HOLD_KINDS = (
    "kind IN ('arrangement', 'deferral', 'promise', 'dispute', 'vulnerability', 'moratorium', "
    "'breathing_space', 'mental_health_crisis', 'insolvency', 'deceased', 'legal_stay', 'manual')"
)

STATUSES = (
    "status IN ('planned', 'awaiting_approval', 'deferred', 'claimed', 'failed', 'unknown', 'dead', "
    "'dropped', 'skipped', 'arranged', 'done', 'cancelled', 'barred')"
)


def upgrade() -> None:
    op.create_table(
        "contact_outcome",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('spoke', 'spoke_with_other', 'refused', 'voicemail', 'no_answer', 'busy', "
            "'number_invalid')",
            name=op.f("contact_outcome_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("contact_outcome_contact_id_fkey")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("contact_outcome_pkey")),
    )
    op.add_column(
        "contact",
        sa.Column("warnings", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "contact", sa.Column("party", sa.Text(), server_default="borrower", nullable=False)
    )
    op.add_column("contact", sa.Column("number_digest", sa.LargeBinary(), nullable=True))
    op.add_column(
        "contact",
        sa.Column("at_work", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_check_constraint(
        op.f("contact_party_known"), "contact", "party IN ('borrower', 'third_party')"
    )
    op.add_column(
        "borrower",
        sa.Column("phone_at_work", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    for name in ("phone_invalid_at", "ceased_at"):
        op.add_column("borrower", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("validation_notice_on", "acknowledged_on"):
        op.add_column("loan", sa.Column(name, sa.Date(), nullable=True))
    op.drop_constraint(op.f("hold_kind_known"), "hold", type_="check")
    op.create_check_constraint(op.f("hold_kind_known"), "hold", HOLD_KINDS)
    _arranged()


def _arranged() -> None:
    """A call or a visit that people have is arranged; one that was called off may be so again."""
    op.drop_constraint(op.f("action_status_known"), "action", type_="check")
    op.create_check_constraint(op.f("action_status_known"), "action", STATUSES)
    op.execute("""
        UPDATE action SET status = 'arranged'
         WHERE status = 'done' AND work IN ('assign_call', 'schedule_visit')
    """)
    for table in ("call", "visit"):
        op.execute(f"""
            UPDATE action SET status = 'cancelled'
              FROM {table} t
             WHERE t.action_id = action.id AND t.cancelled_at IS NOT NULL
               AND action.status = 'arranged'
        """)  # noqa: S608 - nothing but this file's own text
        op.drop_constraint(op.f(f"{table}_action_id_key"), table, type_="unique")
        op.create_index(
            f"{table}_one_live_per_action",
            table,
            ["action_id"],
            unique=True,
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )
    op.drop_constraint("document_once", "document", type_="unique")
    op.create_index(op.f("document_action_id_idx"), "document", ["action_id"])
