"""Parties of a loan, and who acts for a person. An action may be for a party.

The key of the actions on record stays: they are for the borrower, and have no party.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "loan_party",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("from_tape", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('co_borrower', 'guarantor')", name=op.f("loan_party_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("loan_party_borrower_id_fkey")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("loan_party_loan_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("loan_party_pkey")),
        sa.UniqueConstraint(
            "loan_id", "borrower_id", "role", name=op.f("loan_party_loan_id_borrower_id_role_key")
        ),
    )
    op.create_index(op.f("loan_party_borrower_id_idx"), "loan_party", ["borrower_id"], unique=False)
    op.create_table(
        "loan_party_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loan_party_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_party", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "source_kind IN ('staff', 'system', 'provider', 'borrower')",
            name=op.f("loan_party_change_source_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["loan_party_id"],
            ["loan_party.id"],
            name=op.f("loan_party_change_loan_party_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("loan_party_change_pkey")),
    )
    op.create_index(
        op.f("loan_party_change_loan_party_id_idx"),
        "loan_party_change",
        ["loan_party_id"],
        unique=False,
    )
    op.create_table(
        "representative",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_fact_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=False),
        sa.Column("name_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("phone_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("phone_blind_index", sa.LargeBinary(), nullable=True),
        sa.Column("address_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("zones", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('attorney', 'debt_adviser', 'guardian', 'executor')",
            name=op.f("representative_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_fact_id"],
            ["person_fact.id"],
            name=op.f("representative_person_fact_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("representative_pkey")),
        sa.UniqueConstraint(
            "person_fact_id",
            "ended_at",
            name="representative_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.add_column("action", sa.Column("party_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("action_party_id_fkey"), "action", "loan_party", ["party_id"], ["id"]
    )
    op.drop_constraint(op.f("action_once"), "action", type_="unique")
    op.create_unique_constraint(
        "action_once",
        "action",
        ["loan_id", "ladder_since", "item", "party_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_constraint(op.f("contact_party_known"), "contact")
    op.create_check_constraint(
        op.f("contact_party_known"),
        "contact",
        "party IN ('borrower', 'co_borrower', 'guarantor', 'representative', 'third_party')",
    )
    op.create_index(
        "action_party_id_idx",
        "action",
        ["party_id"],
        unique=False,
        postgresql_where=sa.text("party_id IS NOT NULL"),
    )
    op.drop_index("inbox_event_contact_change_idx", "inbox_event")
    op.create_index(
        "inbox_event_personal_idx",
        "inbox_event",
        [sa.text("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text("kind IN ('contact_change', 'loan_party', 'representative')"),
    )
