"""Which offer of an arrangement the newest one is, so that an acceptance can say which was shown.

The new column is empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0104"


def upgrade() -> None:
    op.add_column("arrangement", sa.Column("offer", sa.SmallInteger()))
