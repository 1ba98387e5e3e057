"""Texts of which no receipt came: from when on they are presumed to have been tried.

Texts that were accepted more than 72 hours ago counted as tried, and go on doing so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("message", sa.Column("presumed_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE message SET presumed_at = now() WHERE status IN ('accepted', 'sent')"
        " AND created_at <= now() - interval '72 hours'"
    )
    op.create_index(
        "message_on_the_way_idx",
        "message",
        ["created_at"],
        postgresql_where=sa.text("status IN ('accepted', 'sent') AND presumed_at IS NULL"),
    )
