"""A letter announces the default of an arrangement, and its days run from the day it was printed."""

import sqlalchemy as sa
from alembic import op

revision = "0087"
down_revision = "0086"


def upgrade() -> None:
    op.add_column("arrangement", sa.Column("noticed_at", sa.DateTime(timezone=True)))
    op.add_column("arrangement", sa.Column("notice_days", sa.SmallInteger()))
    op.create_check_constraint(
        op.f("arrangement_noticed_for_days"),
        "arrangement",
        "(noticed_at IS NULL) = (notice_days IS NULL)",
    )
    op.alter_column("document", "action_id", nullable=True)
    op.add_column(
        "document",
        sa.Column("arrangement_id", sa.BigInteger(), sa.ForeignKey("arrangement.id")),
    )
    op.create_check_constraint(
        op.f("document_about_one_thing"), "document", "num_nonnulls(action_id, arrangement_id) = 1"
    )
    op.create_index(
        "document_arrangement_id_idx",
        "document",
        ["arrangement_id"],
        postgresql_where=sa.text("arrangement_id IS NOT NULL"),
    )
