"""Every table of an installation that has worked for a while, filled by PostgreSQL itself.

For questions about plans only: the rows are right enough to be counted and found, and nobody could
decide anything by them. Loan n belongs to borrower n and is called L-n.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from workers.db import migrate

FILLED = Path(__file__).parent / "filled"
LOANS = 30_000
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_GONE = re.compile(r"^-- gone: (\w+)$", re.MULTILINE)
_TABLE = re.compile(r"^\s*(?:INSERT INTO|DELETE FROM) (\w+)", re.MULTILINE)

_SEQUENCES = text("""
SELECT setval(pg_get_serial_sequence(quote_ident(table_name), 'id'), 1000000)
  FROM information_schema.columns
 WHERE table_schema = 'public' AND column_name = 'id' AND is_identity = 'YES'
""")


def rows_of(revision: str) -> Path:
    """The file with the rows that a revision of the schema changes; the first one has all rows."""
    return FILLED / f"{revision}.sql"


def revisions() -> list[str]:
    """All revisions, in the order in which they are applied. Their numbers need not be in order."""
    scripts = ScriptDirectory(str(migrate.MIGRATIONS))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def fill(engine: Engine, revision: str | None = None, loans: int = LOANS) -> None:
    """Fill the tables of a revision, by default the newest, and analyse them as autovacuum does."""
    values = {"loans": loans, "now": NOW, "today": NOW.date()}
    with engine.begin() as connection:
        # The rows of evidence need no triggers here, and no reference need be looked up.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in _statements(revision or revisions()[-1]):
            connection.execute(text(statement), values)
        connection.execute(_SEQUENCES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def _statements(revision: str) -> list[str]:
    """What fills the tables of a revision: of each table, the statements of the newest file up to
    that revision which has any."""
    by_table: dict[str, list[str]] = {}
    known = revisions()
    for each in known[: known.index(revision) + 1]:
        rows = rows_of(each).read_text()
        for gone in _GONE.findall(rows):
            del by_table[gone]
        of_file: dict[str, list[str]] = {}
        for statement in filter(str.strip, _COMMENT.sub("", rows).split(";\n")):
            (table,) = _TABLE.findall(statement)
            of_file.setdefault(table, []).append(statement)
        by_table |= of_file
    return [statement for statements in by_table.values() for statement in statements]
