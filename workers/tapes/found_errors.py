"""What is wrong with the rows of a tape, in a temporary table of the session that imports it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from workers.db.bulk import as_json
from workers.db.copy import copy_rows
from workers.tapes.row_errors import RowError

PAGE = 2_000

_ERRORS = text("""
SELECT line, shown_column, expected, shown, said, said_values FROM tape_error
 WHERE line > :after ORDER BY line LIMIT :limit
""")


def add_errors(connection: Connection, errors: Sequence[RowError]) -> None:
    """Remember what is wrong with rows."""
    if errors:
        rows = ((e.line, e.column, e.expected, e.shown, e.text, as_json(e.values)) for e in errors)
        copy_rows(connection, "tape_error", rows)


def read_errors(connection: Connection) -> Iterator[RowError]:
    """All errors, in the order of the file."""
    after = 0
    while True:
        with connection.begin():
            rows = connection.execute(_ERRORS, {"after": after, "limit": PAGE}).all()
        yield from (RowError(*row) for row in rows)
        if not rows:
            return
        after = rows[-1].line
