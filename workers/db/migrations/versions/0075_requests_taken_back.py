"""Whoever asked for a second person can take it back."""

from alembic import op

revision = "0075"
down_revision = "0063"

_TABLE = "second_person_request"
_STATUSES = "'asked', 'granted', 'refused', 'withdrawn', 'done'"


def upgrade() -> None:
    # The table is small: it is checked at once.
    op.drop_constraint(op.f(f"{_TABLE}_status_known"), _TABLE, type_="check")
    op.create_check_constraint(op.f(f"{_TABLE}_status_known"), _TABLE, f"status IN ({_STATUSES})")
    op.drop_constraint(op.f(f"{_TABLE}_decided_by_another"), _TABLE, type_="check")
    op.create_check_constraint(
        op.f(f"{_TABLE}_decided_by_another"),
        _TABLE,
        "(decided_by = asked_by) = (status = 'withdrawn')",
    )
