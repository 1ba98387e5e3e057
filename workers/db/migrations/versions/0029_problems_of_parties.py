"""A problem may be another party's than the borrower's. What representatives ask for is theirs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0030"


def upgrade() -> None:
    op.add_column("problem", sa.Column("party_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("problem_party_id_fkey"), "problem", "loan_party", ["party_id"], ["id"]
    )
    op.drop_index("problem_once_while_open", "problem")
    op.create_index(
        "problem_once_while_open",
        "problem",
        ["loan_id", "kind", "party_id"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        op.f("problem_party_id_idx"),
        "problem",
        ["party_id"],
        postgresql_where=sa.text("party_id IS NOT NULL"),
    )
    op.create_index(
        op.f("representative_phone_blind_index_idx"),
        "representative",
        ["phone_blind_index"],
        postgresql_where=sa.text("phone_blind_index IS NOT NULL"),
    )
    # The old constraint let no two of one fact end at the same moment.
    op.drop_constraint("representative_once", "representative", type_="unique")
    op.create_index(
        "representative_once",
        "representative",
        ["person_fact_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("representative_person_fact_id_idx"), "representative", ["person_fact_id"])
    op.create_table(
        "representative_wish",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("times", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        *(
            sa.CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")
            for column, words in (
                ("kind", "'inconvenient_time', 'inconvenient_place', 'language'"),
                ("channel", "'sms', 'call', 'visit', 'legal'"),
                ("place", "'home', 'work', 'number', 'address'"),
                ("source_kind", "'staff', 'system', 'provider', 'borrower'"),
            )
        ),
        *(
            sa.CheckConstraint(f"(kind = '{kind}') = ({column} IS NOT NULL)", name=name)
            for kind, column, name in (
                ("inconvenient_time", "times", "times_if_needed"),
                ("inconvenient_place", "place", "place_if_needed"),
                ("language", "locale", "locale_if_needed"),
            )
        ),
        sa.ForeignKeyConstraint(["contact_point_id"], ["contact_point.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "representative_wish_once",
        "representative_wish",
        [
            "contact_point_id",
            "kind",
            sa.text("coalesce(channel, '')"),
            sa.text("coalesce(times::text, '')"),
            sa.text("coalesce(place, '')"),
        ],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
