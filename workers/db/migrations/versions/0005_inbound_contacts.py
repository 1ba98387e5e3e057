"""Contacts that the person began, and the other loans that a contact was about.

The new columns are empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("contact", sa.Column("inbound", sa.Boolean()))
    op.add_column("contact", sa.Column("also_loan_ids", postgresql.ARRAY(sa.BigInteger())))
    op.add_column("contact_outcome", sa.Column("also_loan_ids", postgresql.ARRAY(sa.BigInteger())))
    op.alter_column("contact", "action_id", nullable=True)
    op.create_check_constraint(
        op.f("contact_has_action_or_is_inbound"),
        "contact",
        "action_id IS NOT NULL OR inbound IS TRUE",
    )
