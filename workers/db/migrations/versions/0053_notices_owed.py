"""What is owed need not follow from a conversation: a notice of default that has no way to the
person is given by somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0088"


def upgrade() -> None:
    op.alter_column("duty", "contact_id", nullable=True)
    op.alter_column("duty", "outcome", nullable=True)
    op.add_column(
        "duty", sa.Column("arrangement_id", sa.BigInteger(), sa.ForeignKey("arrangement.id"))
    )
    op.create_check_constraint(
        op.f("duty_about_one_thing"), "duty", "num_nonnulls(contact_id, arrangement_id) = 1"
    )
    op.create_check_constraint(
        op.f("duty_after_an_outcome"), "duty", "(contact_id IS NULL) = (outcome IS NULL)"
    )
