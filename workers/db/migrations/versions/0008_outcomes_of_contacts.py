"""More outcomes of calls and visits, and the moment at which a borrower asked to be called again.

The new column is empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("contact_outcome", sa.Column("callback_at", sa.DateTime(timezone=True)))
    op.drop_constraint("contact_outcome_outcome_known", "contact_outcome")
    op.create_check_constraint(
        op.f("contact_outcome_outcome_known"),
        "contact_outcome",
        "outcome IN ('spoke', 'spoke_with_other', 'callback_requested', 'refused', 'voicemail', 'no_answer', 'busy', 'number_invalid', 'wrong_person', 'third_party_refused', 'deceased')",
    )
    op.create_check_constraint(
        op.f("contact_outcome_callback_has_moment"),
        "contact_outcome",
        "(outcome = 'callback_requested') = (callback_at IS NOT NULL)",
    )
