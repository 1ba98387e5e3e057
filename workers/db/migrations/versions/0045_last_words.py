"""When something was said again, and when a tape last moved a loan between two records.

An end or a decision that is applied late counts only against what was said before it. The columns
are empty for what is on record: as far as anybody knows, it was said once.
"""

from alembic import op
from sqlalchemy import Column, DateTime

revision = "0045"
down_revision = "0040"


def upgrade() -> None:
    for table in ("person_fact", "representative_wish", "contact_point_fact"):
        op.add_column(table, Column("said_last", DateTime(timezone=True)))
    op.add_column("same_person", Column("moved_at", DateTime(timezone=True)))
