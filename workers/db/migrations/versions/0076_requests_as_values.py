"""What a request does is kept as texts with values, with the loan or the borrower it is about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0076"
down_revision = "0073"

_TABLE = "second_person_request"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("said", JSONB(none_as_null=True)))
    for name in ("loan", "borrower", "decided_in"):
        op.add_column(_TABLE, sa.Column(name, sa.Text))
    for name in ("loan", "borrower"):
        op.create_index(
            f"{_TABLE}_{name}_idx", _TABLE, [name], postgresql_where=f"{name} IS NOT NULL"
        )
    op.add_column("break_glass", sa.Column("said", JSONB(none_as_null=True)))
