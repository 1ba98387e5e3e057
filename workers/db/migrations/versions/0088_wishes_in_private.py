"""What a borrower can pay a month, of a wish for a plan, stands encrypted beside the arrangement."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0088"
down_revision = "0087"


def upgrade() -> None:
    op.add_column("arrangement", sa.Column("wish_monthly_id", UUID(as_uuid=True)))
