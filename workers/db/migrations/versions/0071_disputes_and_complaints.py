"""Disputes and complaints have a row each: a clock, a handler, a finding and a letter.

Disputes on record stay holds, and end with a release as before.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0071"
down_revision = "0067"

_HOLDS = (
    "'arrangement', 'deferral', 'promise', 'dispute', 'complaint', 'vulnerability', 'moratorium', "
    "'breathing_space', 'mental_health_crisis', 'insolvency', 'deceased', 'legal_stay', 'manual', "
    "'absent'"
)
_OF_PERSON = (
    "'complaint', 'vulnerability', 'moratorium', 'breathing_space', 'mental_health_crisis', "
    "'insolvency', 'deceased'"
)
_OPEN = "'received', 'acknowledged', 'investigating'"
_OVER = "'upheld', 'partly_upheld', 'rejected', 'withdrawn'"
_FINDINGS = (
    "'records_agree', 'records_differ', 'payment_found', 'payment_not_found', 'not_the_debtor', "
    "'rule_broken', 'rules_kept', 'no_proof', 'goodwill', 'taken_back'"
)
_RAISED_BY = "'call', 'text', 'letter', 'email', 'form', 'visit', 'authority', 'other'"


def upgrade() -> None:
    # What a collector was given on a day is counted in `collector_day` since revision 0067.
    op.drop_index("reply_staff_id_assigned_at_idx", "reply")
    op.drop_constraint(op.f("hold_kind_known"), "hold", type_="check")
    op.create_check_constraint(op.f("hold_kind_known"), "hold", f"kind IN ({_HOLDS})")
    for table in ("loan_day", "loan_month"):
        known = op.f(f"{table}_hold_known")
        op.drop_constraint(known, table, type_="check")
        op.create_check_constraint(known, table, f"hold IN ({_HOLDS})")
    op.drop_constraint(op.f("hold_of_person_where_its_kind_is"), "hold", type_="check")
    op.create_check_constraint(
        op.f("hold_of_person_where_its_kind_is"),
        "hold",
        f"(kind IN ({_OF_PERSON})) = (borrower_id IS NOT NULL)",
    )
    for daily in ("loan_day", "loan_month"):
        op.drop_constraint(op.f(f"{daily}_hold_known"), daily, type_="check")
        op.create_check_constraint(op.f(f"{daily}_hold_known"), daily, f"hold IN ({_HOLDS})")
    _create(
        "dispute",
        "'amount', 'not_mine', 'already_paid', 'fraud', 'service', 'time_barred', 'other'",
        f"{_OPEN}, {_OVER}, 'closed'",
        sa.Column("amount", sa.Numeric(18, 4)),
        sa.Column("corrected_by", sa.Text()),
    )
    _create(
        "complaint",
        "'conduct', 'harassment', 'privacy', 'product', 'fees', 'hardship', 'other'",
        f"{_OPEN}, {_OVER}",
        sa.Column("about_staff", sa.Text()),
        sa.CheckConstraint("handler <> about_staff", name=op.f("complaint_another_handles_it")),
    )
    op.create_index(
        "complaint_about_staff_idx",
        "complaint",
        ["about_staff"],
        postgresql_where=sa.text("about_staff IS NOT NULL"),
    )


def _create(table: str, kinds: str, statuses: str, *own: Any) -> None:
    def known(column: str, words: str) -> sa.CheckConstraint:
        return sa.CheckConstraint(f"{column} IN ({words})", name=op.f(f"{table}_{column}_known"))

    def moment(name: str, *, nullable: bool = True) -> Any:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

    def refers_to(target: str, *, nullable: bool) -> Any:
        key = sa.ForeignKey(f"{target}.id")
        return sa.Column(f"{target}_id", sa.BigInteger(), key, nullable=nullable)

    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        refers_to("loan", nullable=False),
        refers_to("borrower", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        refers_to("contact", nullable=True),
        moment("received_at", nullable=False),
        moment("recorded_at", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why_id", UUID(as_uuid=True)),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rules", ARRAY(sa.Text()), nullable=False, server_default="{}"),
        moment("acknowledge_by"),
        moment("acknowledged_at"),
        sa.Column("acknowledged_by", sa.Text()),
        moment("answer_by"),
        sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("clock", sa.Text(), nullable=False),
        moment("check_at"),
        sa.Column("handler", sa.Text()),
        moment("taken_at"),
        refers_to("hold", nullable=True),
        moment("resolved_at"),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("finding", sa.Text()),
        sa.Column("finding_why_id", UUID(as_uuid=True)),
        sa.Column("letter_template", sa.Text()),
        sa.Column("letter_template_version", sa.Text()),
        sa.Column("letter_locale", sa.Text()),
        sa.Column("letter_encrypted", sa.LargeBinary()),
        known("kind", kinds),
        known("raised_by", _RAISED_BY),
        known("status", statuses),
        known("clock", "'running', 'due', 'late'"),
        known("finding", _FINDINGS),
        sa.UniqueConstraint("external_id", "sender"),
        sa.CheckConstraint(
            f"(status IN ({_OPEN})) = (resolved_at IS NULL)", name=op.f(f"{table}_over_once")
        ),
        sa.CheckConstraint(
            "status <> 'investigating' OR handler IS NOT NULL",
            name=op.f(f"{table}_somebody_investigates"),
        ),
        sa.CheckConstraint(
            "(handler IS NULL) = (taken_at IS NULL)", name=op.f(f"{table}_taken_by_somebody")
        ),
        *own,
    )
    for column in ("loan_id", "borrower_id", "hold_id"):
        op.create_index(f"{table}_{column}_idx", table, [column])
    op.create_index(
        f"{table}_check_at_idx",
        table,
        ["check_at"],
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
