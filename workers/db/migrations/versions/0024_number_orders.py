"""Orders of numbers are found by their borrower, for the history of a loan."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.drop_index("inbox_event_personal_idx", "inbox_event")
    op.create_index(
        "inbox_event_personal_idx",
        "inbox_event",
        [sa.text("(payload ->> 'borrower')")],
        unique=False,
        postgresql_where=sa.text(
            "kind IN ('contact_change', 'loan_party', 'number_order', 'representative')"
        ),
    )
