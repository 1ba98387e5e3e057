"""The lender's ids are kept in NFC, as they are read now: the other form would be another loan."""

from alembic import op

revision = "0028"
down_revision = "0027"

TABLES = ("borrower", "hold", "loan", "payment", "promise", "staff")


def upgrade() -> None:
    # Where both forms of an id are on record, PostgreSQL refuses, and nothing is changed.
    for table in TABLES:
        op.execute(
            f"UPDATE {table} SET external_id = normalize(external_id, NFC)"  # noqa: S608 a name above
            " WHERE external_id IS NOT NFC NORMALIZED"
        )
