"""By when requests for an arrangement are answered, when they lapse, and why one is refused."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0080"

_REFUSALS = (
    "'not_eligible', 'beyond_means', 'proof_missing', 'not_answered', 'said_no', 'ledger', 'other'"
)


def upgrade() -> None:
    op.add_column("arrangement", sa.Column("answer_by", sa.Date()))
    op.add_column("arrangement", sa.Column("lapses_on", sa.Date()))
    pauses = sa.ForeignKey("hold.id", name=op.f("arrangement_request_hold_id_fkey"))
    op.add_column("arrangement", sa.Column("request_hold_id", sa.BigInteger(), pauses))
    op.add_column("arrangement", sa.Column("refusal", sa.Text()))
    op.create_check_constraint(
        op.f("arrangement_refusal_known"), "arrangement", f"refusal IN ({_REFUSALS})"
    )
    # Those that wait get their clock when they are looked at first.
    op.execute(
        "UPDATE arrangement SET review_on = CURRENT_DATE"
        " WHERE status = 'requested' AND review_on IS NULL"
    )
