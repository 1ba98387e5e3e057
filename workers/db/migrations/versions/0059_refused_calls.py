"""How often a machine was refused within a minute, in one row."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("permission_use", sa.Column("times", sa.Integer(), nullable=True))
