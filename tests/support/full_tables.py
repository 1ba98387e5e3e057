"""Every table of an installation that has worked for a while, filled by PostgreSQL itself.

For questions about plans only: the rows are right enough to be counted and found, and nobody could
decide anything by them. Loan n belongs to borrower n and is called L-n.
"""

import re
from datetime import UTC, datetime
from itertools import chain
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

_NEXT_ID = text("""
SELECT setval(pg_get_serial_sequence(quote_ident(table_name), 'id'), :id, false)
  FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = ANY(:tables)
   AND column_name = 'id' AND is_identity = 'YES'
""")


def rows_of(revision: str) -> Path:
    """The file with the rows that a revision of the schema changes; the first one has all rows."""
    return FILLED / f"{revision}.sql"


def revisions() -> list[str]:
    """All revisions, in the order in which they are applied. Their numbers need not be in order."""
    scripts = ScriptDirectory(str(migrate.MIGRATIONS))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def fill_and_analyse(engine: Engine) -> None:
    """Fill the tables of the newest revision, and analyse them as autovacuum does."""
    fill(engine, revisions()[-1], LOANS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def fill(engine: Engine, revision: str, loans: int) -> None:
    """Fill the empty tables of a revision."""
    _execute(engine, _of_all_tables(revision), loans)


def fill_anew(engine: Engine, revision: str, loans: int) -> None:
    """Fill those tables again of which the file of this revision has other rows than before. The
    rows of all others are what the revision made of them."""
    by_table = _of_file(rows_of(revision).read_text())
    emptied = {
        table: [f"DELETE FROM {table}", *statements]  # noqa: S608
        for table, statements in by_table.items()
    }
    _execute(engine, emptied, loans)


def _execute(engine: Engine, by_table: dict[str, list[str]], loans: int) -> None:
    values = {"loans": loans, "now": NOW, "today": NOW.date()}
    with engine.begin() as connection:
        # The rows of evidence need no triggers here, and no reference need be looked up.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(_NEXT_ID, {"tables": list(by_table), "id": 1})
        for statement in chain.from_iterable(by_table.values()):
            connection.execute(text(statement), values)
        connection.execute(_NEXT_ID, {"tables": list(by_table), "id": 1_000_001})


def _of_all_tables(revision: str) -> dict[str, list[str]]:
    """What fills the tables of a revision: of each table, the statements of the newest file up to
    that revision which has any."""
    by_table: dict[str, list[str]] = {}
    known = revisions()
    for each in known[: known.index(revision) + 1]:
        rows = rows_of(each).read_text()
        for gone in _GONE.findall(rows):
            del by_table[gone]
        by_table |= _of_file(rows)
    return by_table


def _of_file(rows: str) -> dict[str, list[str]]:
    by_table: dict[str, list[str]] = {}
    for statement in filter(str.strip, _COMMENT.sub("", rows).split(";\n")):
        (table,) = _TABLE.findall(statement)
        by_table.setdefault(table, []).append(statement)
    return by_table
