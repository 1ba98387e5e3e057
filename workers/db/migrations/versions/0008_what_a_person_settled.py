"""Problems and events that a person settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("problem", sa.Column("settled_by", sa.Text(), nullable=True))
    op.add_column("problem", sa.Column("settled_why", sa.Text(), nullable=True))
    op.drop_constraint(op.f("inbox_event_status_known"), "inbox_event", type_="check")
    op.create_check_constraint(
        op.f("inbox_event_status_known"),
        "inbox_event",
        "status IN ('received', 'applied', 'rejected', 'dropped')",
    )
