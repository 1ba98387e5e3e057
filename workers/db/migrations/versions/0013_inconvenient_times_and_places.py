"""Times, places and a language of a person are facts, and their words are kept with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

TABLE = "person_fact"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("times", postgresql.JSONB()))
    op.add_column(TABLE, sa.Column("place", sa.Text()))
    op.add_column(TABLE, sa.Column("contact_point_id", sa.BigInteger()))
    op.add_column(TABLE, sa.Column("locale", sa.Text()))
    op.create_foreign_key(
        op.f("person_fact_contact_point_id_fkey"),
        TABLE,
        "contact_point",
        ["contact_point_id"],
        ["id"],
    )
    op.create_index(
        op.f("person_fact_contact_point_id_idx"),
        TABLE,
        ["contact_point_id"],
        postgresql_where=sa.text("contact_point_id IS NOT NULL"),
    )
    for old in ("kind_known", "until_of_consent", "channel_if_needed"):
        op.drop_constraint(op.f(f"person_fact_{old}"), TABLE)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"person_fact_{name}"), TABLE, condition)
    op.drop_index("person_fact_once", table_name=TABLE)
    op.create_index(
        "person_fact_once",
        TABLE,
        [
            "borrower_id",
            "kind",
            sa.text("coalesce(channel, '')"),
            sa.text("coalesce(loan_id, 0)"),
            sa.text("coalesce(times::text, '')"),
            sa.text("coalesce(place, '')"),
            sa.text("coalesce(contact_point_id, 0)"),
        ],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


CHECKS = {
    "kind_known": (
        "kind IN ('ceased', 'no_channel', 'represented', 'employer_forbids', "
        "'agreed_more_contacts', 'agreed_other_hours', 'inconvenient_time', "
        "'inconvenient_place', 'language')"
    ),
    "place_known": "place IN ('home', 'work', 'number')",
    "until_where_it_expires": (
        "until IS NULL OR kind IN ('agreed_more_contacts', 'agreed_other_hours', "
        "'inconvenient_time', 'inconvenient_place')"
    ),
    "channel_if_needed": (
        "CASE WHEN kind = 'no_channel' THEN channel IS NOT NULL "
        "ELSE channel IS NULL OR kind IN ('inconvenient_time', 'inconvenient_place') END"
    ),
    "times_if_needed": "(kind = 'inconvenient_time') = (times IS NOT NULL)",
    "place_if_needed": "(kind = 'inconvenient_place') = (place IS NOT NULL)",
    "number_if_needed": "(contact_point_id IS NOT NULL) = (coalesce(place, '') = 'number')",
    "locale_if_needed": "(kind = 'language') = (locale IS NOT NULL)",
}
