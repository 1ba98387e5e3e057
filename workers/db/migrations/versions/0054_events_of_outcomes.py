"""An outcome names the event that reported it, with which a later report is compared."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0065"


def upgrade() -> None:
    op.add_column("contact_outcome", sa.Column("event_id", sa.BigInteger))
