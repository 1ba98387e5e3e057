"""When the loans of an import were all named; and events by the customer id that they name.

Of an import that was interrupted before this revision it is not known whether all its loans were
named. It stays unfinished until its tape is imported again, or a whole one of its mapping.

When an id goes to somebody else, every completed event that names it is found by it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0048"


def upgrade() -> None:
    op.add_column("tape_import", sa.Column("named_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "inbox_event_borrower_idx",
        "inbox_event",
        [sa.text("(payload ->> 'borrower')")],
        postgresql_where=sa.text(
            "kind NOT IN ('contact_change', 'loan_party', 'number_order', 'representative') "
            "AND (payload ->> 'borrower') IS NOT NULL"
        ),
    )
    op.create_index(
        "inbox_event_other_idx",
        "inbox_event",
        [sa.text("(payload ->> 'other')")],
        postgresql_where=sa.text("(payload ->> 'other') IS NOT NULL"),
    )
