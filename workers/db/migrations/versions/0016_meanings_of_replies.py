"""A reply may say when, where or in which language somebody wants to be contacted, or take back
what they agreed to."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.drop_constraint(op.f("reply_meaning_known"), "reply")
    op.create_check_constraint(
        op.f("reply_meaning_known"),
        "reply",
        "meaning IN ('cease', 'wrong_number', 'stop', 'no_calls', 'start', 'dispute', 'wishes', "
        "'no_consent', 'harmless')",
    )
