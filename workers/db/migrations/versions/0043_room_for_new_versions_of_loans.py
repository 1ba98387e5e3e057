"""Room in each page of loans for a new version of each row.

Every tape sets the date of every loan that it has. PostgreSQL writes the row anew for it, and
without room in the same page also its entries in five indexes. Pages that are full stay so: they
get room when the table is next rewritten (`VACUUM FULL loan`), which nobody needs to wait for.
"""

from alembic import op

revision = "0043"
down_revision = "0032"


def upgrade() -> None:
    op.execute("ALTER TABLE loan SET (fillfactor = 50)")
