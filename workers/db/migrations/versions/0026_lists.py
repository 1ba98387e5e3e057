"""The lists of what is open are read page by page, each in the order of an index."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    _index("problem_open_idx", "problem", ["id", "kind"], "resolved_at IS NULL")
    _index("inbox_event_rejected_idx", "inbox_event", ["id"], "status = 'rejected'")
    _index(
        "same_person_presumed_idx",
        "same_person",
        ["made_at", "borrower_id", "other_id"],
        "status = 'presumed'",
    )
    _index("action_stuck_idx", "action", ["changed_at", "id"], "status IN ('failed', 'dead')")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where))
