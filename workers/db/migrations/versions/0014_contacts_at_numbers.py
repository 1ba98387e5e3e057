"""Contacts by number: caps count them whoever had it. Calls that ask where a borrower is.

The new columns are empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("contact", sa.Column("purpose", sa.Text()))
    op.create_check_constraint(
        op.f("contact_purpose_known"),
        "contact",
        "purpose IN ('collect', 'locate', 'answer', 'requested', 'notice')",
    )
    op.add_column("contact", sa.Column("again_because", sa.Text()))
    op.create_check_constraint(
        op.f("contact_again_because_known"),
        "contact",
        "again_because IN ('requested', 'answer_wrong')",
    )
    op.drop_constraint("contact_has_action_or_is_inbound", "contact")
    op.create_check_constraint(
        op.f("contact_has_action_or_purpose"),
        "contact",
        "action_id IS NOT NULL OR inbound IS TRUE OR purpose IS NOT NULL",
    )
    op.create_index(
        op.f("contact_number_blind_index_at_idx"),
        "contact",
        ["number_blind_index", "at"],
        unique=False,
        postgresql_where=sa.text("number_blind_index IS NOT NULL"),
    )
