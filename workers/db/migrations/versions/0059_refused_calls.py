"""How often a machine was refused within a minute, in one row."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0055"


def upgrade() -> None:
    times = sa.Column("times", sa.Integer(), server_default="1", nullable=False)
    op.add_column("permission_use", times)
