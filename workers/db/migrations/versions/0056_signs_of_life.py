"""When something last worked: a queue, a task of the schedule.

Nothing of it is moved here: the first signs come within seconds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0059"


def upgrade() -> None:
    op.create_table(
        "sign_of_life",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
