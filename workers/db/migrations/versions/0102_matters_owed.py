"""That somebody takes a dispute or a complaint is owed however it came in; and a conversation may
have several duties.

The new columns are empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0102"
down_revision = "0097"


def upgrade() -> None:
    for table in ("dispute", "complaint"):
        which = sa.ForeignKey(f"{table}.id", name=op.f(f"duty_{table}_id_fkey"))
        op.add_column("duty", sa.Column(f"{table}_id", sa.BigInteger(), which))
    for name, rule in {
        "about_one_thing": "num_nonnulls(contact_id, arrangement_id, dispute_id, complaint_id) = 1",
        "after_an_outcome": "(arrangement_id IS NULL) = (outcome IS NOT NULL)",
    }.items():
        op.drop_constraint(op.f(f"duty_{name}"), "duty")
        op.create_check_constraint(op.f(f"duty_{name}"), "duty", rule)
    op.drop_constraint("duty_once", "duty")
    op.create_unique_constraint("duty_once", "duty", ["contact_id", "outcome"])
