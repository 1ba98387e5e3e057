"""Arrangements: deferrals and instalment plans, from the request to their end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0070"
down_revision = "0082"

_OPEN = "'requested', 'offered', 'accepted', 'active'"
_WORDS = {
    "status": f"{_OPEN}, 'completed', 'defaulted', 'declined', 'withdrawn', 'expired', 'replaced'",
    "asked_by": "'text', 'call', 'visit', 'letter', 'form', 'event'",
    "kind": "'deferral', 'instalment_plan'",
    "proof": "'recording', 'text', 'letter', 'form'",
}


def upgrade() -> None:
    op.create_table(
        "arrangement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        _word("status", nullable=False),
        _word("asked_by", nullable=False),
        sa.Column("asked_in", sa.Text()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        _moment("requested_at", nullable=False),
        _word("kind"),
        sa.Column("wish_days", sa.Integer()),
        sa.Column("wish_instalments", sa.Integer()),
        sa.Column("wish_until", sa.Date()),
        sa.Column("wish_monthly", sa.Numeric(18, 4)),
        sa.Column("terms_id", sa.Text()),
        sa.Column("terms_version", sa.Integer()),
        sa.Column("quoted_on", sa.Date()),
        sa.Column("valid_until", sa.Date()),
        sa.Column("quote", JSONB()),
        sa.Column("quote_digest", sa.Text()),
        sa.Column("to_pay_before", sa.Numeric(18, 4)),
        sa.Column("to_pay_after", sa.Numeric(18, 4)),
        sa.Column("grace_days", sa.SmallInteger()),
        sa.Column("missed_ends_it", sa.SmallInteger()),
        sa.Column("offered_by", sa.Text()),
        sa.Column("offered_as", sa.Text()),
        sa.Column("agreed_by", sa.Text()),
        _moment("offered_at"),
        sa.Column("accepted_on", sa.Date()),
        _moment("accepted_at"),
        sa.Column("accepted_by", sa.Text()),
        _word("proof"),
        sa.Column("proof_reference", sa.Text()),
        sa.Column("confirm_by", sa.Date()),
        sa.Column("hold_id", sa.BigInteger()),
        sa.Column("replaced_schedule_id", sa.BigInteger()),
        _moment("confirmed_at"),
        sa.Column("missed", sa.SmallInteger(), server_default="0", nullable=False),
        _moment("ended_at"),
        sa.Column("ended_by", sa.Text()),
        sa.Column("why_id", sa.UUID()),
        sa.Column("review_on", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="arrangement_pkey"),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name="arrangement_loan_id_fkey"),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name="arrangement_hold_id_fkey"),
        sa.ForeignKeyConstraint(
            ["replaced_schedule_id"],
            ["replaced_schedule.id"],
            name="arrangement_replaced_schedule_id_fkey",
        ),
        sa.CheckConstraint(
            f"(status IN ({_OPEN})) = (ended_at IS NULL)",
            name=op.f("arrangement_ended_unless_open"),
        ),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (proof IS NULL)", name=op.f("arrangement_accepted_with_proof")
        ),
        sa.CheckConstraint(
            "(quote IS NULL) = (quoted_on IS NULL)", name=op.f("arrangement_quote_of_a_day")
        ),
        sa.UniqueConstraint("external_id", "sender", name="arrangement_external_id_sender_key"),
    )
    op.create_index(
        "arrangement_one_open_per_loan",
        "arrangement",
        ["loan_id"],
        unique=True,
        postgresql_where=sa.text(f"status IN ({_OPEN})"),
    )
    op.create_index(
        "arrangement_review_idx",
        "arrangement",
        ["review_on"],
        postgresql_where=sa.text("review_on IS NOT NULL"),
    )
    op.create_index("arrangement_loan_id_idx", "arrangement", ["loan_id"])
    op.create_table(
        "arrangement_instalment",
        sa.Column("arrangement_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("principal", sa.Numeric(18, 4), nullable=False),
        sa.Column("interest", sa.Numeric(18, 4), nullable=False),
        sa.Column("fees", sa.Numeric(18, 4), nullable=False),
        sa.PrimaryKeyConstraint("arrangement_id", "due_on", name="arrangement_instalment_pkey"),
        sa.ForeignKeyConstraint(
            ["arrangement_id"],
            ["arrangement.id"],
            name="arrangement_instalment_arrangement_id_fkey",
        ),
    )


def _word(name: str, *, nullable: bool = True) -> sa.Column[str]:
    known = sa.CheckConstraint(
        f"{name} IN ({_WORDS[name]})", name=op.f(f"arrangement_{name}_known")
    )
    return sa.Column(name, sa.Text(), known, nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
