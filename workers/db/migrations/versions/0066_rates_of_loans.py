"""A loan has the yearly rate of its contract: a quote of a deferral or a plan needs it.

Of the loans on record it is not known: the next tape that says it brings it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0076"


def upgrade() -> None:
    op.add_column("loan", sa.Column("annual_rate_percent", sa.Numeric(), nullable=True))
    op.create_check_constraint(
        "annual_rate_within", "loan", "annual_rate_percent BETWEEN 0 AND 1000"
    )
