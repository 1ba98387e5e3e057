"""Each check of who somebody is is on record, and so is each look at a name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0082"
down_revision = "0074"

_OPENED = "'letter', 'number', 'name', 'address', 'reply', 'everything'"


def upgrade() -> None:
    op.create_table(
        "party_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("contact_id", sa.BigInteger(), sa.ForeignKey("contact.id"), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), sa.ForeignKey("borrower.id"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("questions", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("matched", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("at_least", sa.SmallInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "passed = (cardinality(matched) >= at_least)",
            name=op.f("party_check_passed_by_its_answers"),
        ),
        sa.CheckConstraint("matched <@ questions", name=op.f("party_check_matched_what_was_asked")),
    )
    op.create_index("party_check_contact_id_idx", "party_check", ["contact_id"])
    op.create_index("party_check_borrower_id_at_idx", "party_check", ["borrower_id", "at"])
    name = "access_what_known"
    op.drop_constraint(op.f(name), "access", type_="check")
    op.execute(f"ALTER TABLE access ADD CONSTRAINT {name} CHECK (what IN ({_OPENED})) NOT VALID")
    op.execute(f"ALTER TABLE access VALIDATE CONSTRAINT {name}")
