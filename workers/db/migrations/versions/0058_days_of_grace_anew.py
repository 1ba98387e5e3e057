"""Until when an arrangement does not end, because money of it went back or its end was wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0053"


def upgrade() -> None:
    op.add_column("arrangement", sa.Column("no_default_before", sa.Date()))
