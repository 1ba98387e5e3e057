"""The digest of what an event says of a new schedule is named as one."""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.alter_column("replaced_schedule", "told", new_column_name="schedule_digest")
