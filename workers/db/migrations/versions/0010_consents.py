"""Consents of a person are facts, and may have an end."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("person_fact", sa.Column("until", sa.DateTime(timezone=True)))
    op.drop_constraint(op.f("person_fact_kind_known"), "person_fact")
    op.create_check_constraint(
        op.f("person_fact_kind_known"),
        "person_fact",
        "kind IN ('ceased', 'no_channel', 'represented', 'employer_forbids', "
        "'agreed_more_contacts', 'agreed_other_hours')",
    )
    op.create_check_constraint(
        op.f("person_fact_until_of_consent"),
        "person_fact",
        "until IS NULL OR kind IN ('agreed_more_contacts', 'agreed_other_hours')",
    )
