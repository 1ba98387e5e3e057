"""The totals of a day count promises by their moves: one that is judged anew moves once more."""

from alembic import op

revision = "0101"
down_revision = "0102"


def upgrade() -> None:
    op.create_index("promise_event_at_idx", "promise_event", ["at"], postgresql_using="brin")
    op.drop_index("promise_completed_at_idx", "promise")
