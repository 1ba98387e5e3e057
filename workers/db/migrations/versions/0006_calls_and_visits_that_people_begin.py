"""Calls and visits that people begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

REASONS = (
    "reason IN ('forgot', 'payment_failed', 'income_fell', 'unemployed', 'illness', 'family', "
    "'other_debts', 'disputes_it', 'will_not_pay', 'other')"
)
OPENED = "what IN ('letter', 'number', 'address', 'reply', 'everything')"


def upgrade() -> None:
    op.add_column("contact", sa.Column("attempt", sa.Text(), nullable=True))
    op.add_column("contact", sa.Column("made_by", sa.Text(), nullable=True))
    # Until now a call counted as made once it was assigned: its outcome can still be told.
    op.execute(
        "UPDATE contact SET attempt = channel || '-' || id WHERE channel IN ('call', 'visit')"
    )
    op.create_unique_constraint(op.f("contact_attempt_key"), "contact", ["attempt"])
    op.add_column("contact_outcome", sa.Column("reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("contact_outcome_reason_known"), "contact_outcome", REASONS)
    op.add_column("visit", sa.Column("contact_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("visit_contact_id_fkey"), "visit", "contact", ["contact_id"], ["id"])
    op.create_index(op.f("visit_contact_id_idx"), "visit", ["contact_id"])
    op.execute(
        "UPDATE visit v SET contact_id = c.id FROM contact c "
        "WHERE c.action_id = v.action_id AND c.at = v.starts_at"
    )
    op.add_column("visit", sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("access_what_known"), "access", type_="check")
    op.create_check_constraint(op.f("access_what_known"), "access", OPENED)
    op.drop_index("inbox_event_borrower_waiting_idx", table_name="inbox_event")
    op.create_index(
        "inbox_event_borrower_waiting_idx",
        "inbox_event",
        [sa.literal_column("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("status = 'received' AND kind IN ('contact_change', 'opt_out')"),
    )
