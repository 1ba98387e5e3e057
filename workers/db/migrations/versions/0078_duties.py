"""What somebody owes after a conversation, visits that nobody reported, and letters that were printed.

The new columns are empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0083"

_OUTCOMES = (
    "'spoke', 'paid_now', 'promised', 'says_paid', 'asks_plan', 'asks_deferral', 'asks_settlement', "
    "'hardship', 'disputes', 'complains', 'refuses', 'callback_requested', 'cannot_talk', 'refused', "
    "'hung_up', 'hung_up_after', 'stop_channel', 'stop_all', 'adviser', 'insolvent', 'prison', "
    "'deceased', 'spoke_with_other', 'wrong_person', 'third_party_refused', 'language', "
    "'number_invalid', 'voicemail', 'no_answer', 'busy', 'switched_off', 'dropped'"
)


def upgrade() -> None:
    op.create_table(
        "duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(f"outcome IN ({_OUTCOMES})", name=op.f("duty_outcome_known")),
        sa.CheckConstraint(
            "owner IN ('collector', 'team', 'supervisor', 'specialist')",
            name=op.f("duty_owner_known"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("duty_ended_by_somebody")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("duty_loan_id_fkey")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("duty_contact_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("duty_pkey")),
        sa.UniqueConstraint("contact_id", name="duty_once"),
    )
    op.create_index(
        "duty_open_idx", "duty", ["due_at", "id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("duty_loan_id_idx", "duty", ["loan_id"])
    op.add_column("visit", sa.Column("unreported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("document", sa.Column("printed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("document", sa.Column("printed_by", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("document_printed_by_somebody"),
        "document",
        "(printed_at IS NULL) = (printed_by IS NULL)",
    )
