"""Remembers which loans a tape has named already; on disk if they are many."""

import sqlite3


def temporary_database(*tables: str) -> sqlite3.Connection:
    """A private database of SQLite with these tables, gone when it is closed.

    Its pages are in a cache of fixed size, and beyond that in a temporary file. A set would grow
    with the tape.
    """
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA cache_size = -32768")
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    for table in tables:
        database.execute(table)
    database.execute("BEGIN")
    return database


class SeenLoans:
    """The loans read so far, with their lines. Used in a `with` block, which deletes everything."""

    def __init__(self) -> None:
        self._database = temporary_database(
            "CREATE TABLE seen (loan TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID"
        )

    def __enter__(self) -> "SeenLoans":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def earlier_line(self, loan: str, line: int) -> int | None:
        """The line on which the loan was read before; if there is none, remember it: None."""
        added = self._database.execute(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (loan, line)
        )
        if added.rowcount:
            return None
        found = self._database.execute("SELECT line FROM seen WHERE loan = ?", (loan,))
        return int(found.fetchone()[0])
