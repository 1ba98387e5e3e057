"""Every table of a house that has been at work for a while, filled by PostgreSQL itself.

For questions about plans only: the rows are right enough to be counted and found, and nobody could
decide anything by them. Loan n belongs to borrower n and is called L-n.
"""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text

FILLED = Path(__file__).parent / "filled"
LOANS = 30_000
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


_SEQUENCES = text("""
SELECT setval(pg_get_serial_sequence(quote_ident(table_name), 'id'), 1000000)
  FROM information_schema.columns
 WHERE table_schema = 'public' AND column_name = 'id' AND is_identity = 'YES'
""")


def rows_of(revision: str) -> Path:
    """The file with the rows that fill the tables of a revision of the schema."""
    return FILLED / f"{revision}.sql"


def fill(engine: Engine, revision: str | None = None, loans: int = LOANS) -> None:
    """Fill the tables of a revision, by default the newest, and analyse them as autovacuum does."""
    values = {"loans": loans, "now": NOW, "today": NOW.date()}
    rows = rows_of(revision) if revision else max(FILLED.glob("*.sql"))
    with engine.begin() as connection:
        # The rows of evidence need no triggers here, and no reference need be looked up.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in filter(str.strip, _without_comments(rows).split(";\n")):
            connection.execute(text(statement), values)
        connection.execute(_SEQUENCES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def _without_comments(rows: Path) -> str:
    lines = rows.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("--"))
