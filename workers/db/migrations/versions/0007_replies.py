"""A text can say several things, and a person who reads it says what it means."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("reply", sa.Column("to_read", sa.Boolean(), nullable=True))
    op.add_column("reply", sa.Column("meaning", sa.Text(), nullable=True))
    op.execute("UPDATE reply SET to_read = kind = 'other'")
    op.alter_column("reply", "to_read", nullable=False)
    op.drop_constraint("reply_kind_known", "reply")
    op.create_check_constraint(
        op.f("reply_kind_known"),
        "reply",
        "kind IN ('cease', 'wrong_number', 'stop', 'no_calls', 'start', 'help', 'other', 'harmless')",
    )
    op.create_check_constraint(
        op.f("reply_meaning_known"),
        "reply",
        "meaning IN ('cease', 'wrong_number', 'stop', 'no_calls', 'start', 'dispute', 'harmless')",
    )
    op.drop_index("reply_unhandled_idx", table_name="reply")
    op.create_index(
        "reply_unhandled_idx",
        "reply",
        ["id"],
        postgresql_where=sa.text("to_read AND handled_at IS NULL"),
    )
