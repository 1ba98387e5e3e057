"""More outcomes of calls and visits, and the dialer's reference of the recording.

The new column is empty in older rows: the hash of a row of evidence covers what is not null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0069"

OUTCOMES = (
    "'spoke', 'paid_now', 'promised', 'says_paid', 'asks_plan', 'asks_deferral', 'asks_settlement', "
    "'hardship', 'disputes', 'complains', 'refuses', 'callback_requested', 'cannot_talk', 'refused', "
    "'hung_up', 'hung_up_after', 'stop_channel', 'stop_all', 'adviser', 'insolvent', 'prison', "
    "'deceased', 'spoke_with_other', 'wrong_person', 'third_party_refused', 'language', "
    "'number_invalid', 'voicemail', 'no_answer', 'busy', 'switched_off', 'dropped'"
)


def upgrade() -> None:
    op.add_column("contact_outcome", sa.Column("recording", sa.Text(), nullable=True))
    op.drop_constraint("contact_outcome_outcome_known", "contact_outcome")
    op.create_check_constraint(
        op.f("contact_outcome_outcome_known"), "contact_outcome", f"outcome IN ({OUTCOMES})"
    )
