"""A letter of the person is a contact that they began, and may come to an outcome of its own."""

from alembic import op

revision = "0103"
down_revision = "0101"

_CHANNELS = "'sms', 'call', 'visit', 'legal', 'letter'"
_OUTCOMES = (
    "'spoke', 'paid_now', 'promised', 'says_paid', 'asks_plan', 'asks_deferral', 'asks_settlement', "
    "'hardship', 'disputes', 'complains', 'refuses', 'callback_requested', 'cannot_talk', 'refused', "
    "'hung_up', 'hung_up_after', 'stop_channel', 'stop_all', 'adviser', 'insolvent', 'prison', "
    "'deceased', 'spoke_with_other', 'wrong_person', 'third_party_refused', 'language', "
    "'number_invalid', 'voicemail', 'no_answer', 'busy', 'switched_off', 'dropped', 'wrote'"
)


def upgrade() -> None:
    for table, column, words in (
        ("contact", "channel", _CHANNELS),
        ("contact_outcome", "outcome", _OUTCOMES),
        ("duty", "outcome", _OUTCOMES),
    ):
        name = op.f(f"{table}_{column}_known")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"{column} IN ({words})")
