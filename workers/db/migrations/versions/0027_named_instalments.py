"""A payment may name the instalment that it is for. Those on record name none."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("payment", sa.Column("instalment", sa.Date(), nullable=True))
