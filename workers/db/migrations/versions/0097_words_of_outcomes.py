"""What a person said in a conversation stands encrypted beside its outcome."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0097"
down_revision = "0096"


def upgrade() -> None:
    op.add_column("contact_outcome", sa.Column("why_id", UUID(as_uuid=True)))
