"""When an instalment really falls due, which may be after a day of rest.

Instalments that are due have counted from their due dates as they are written, and go on doing so.
The day of the others is set by the next tape of their loan, or by the review after they fall due.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("instalment", sa.Column("counts_from", sa.Date()))
    op.execute("UPDATE instalment SET counts_from = due_on WHERE due_on < CURRENT_DATE")
