"""What is owed after a conversation is served as work of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0058"


def upgrade() -> None:
    op.add_column("work_lease", sa.Column("duty_id", sa.BigInteger, sa.ForeignKey("duty.id")))
