"""What is wrong with the rows of a tape, in a temporary table of the session that imports it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from workers.db.bulk import as_json
from workers.db.copy import copy_rows
from workers.tapes.row_errors import RowError

PAGE = 2_000

_ERRORS = text("""
SELECT number, line, shown_column, expected, shown, said, said_values, loan FROM tape_error
 WHERE (line, number) > (:line, :number) ORDER BY line, number LIMIT :limit
""")
_COLUMNS = ("line", "shown_column", "expected", "shown", "said", "said_values", "loan")


def add_errors(connection: Connection, errors: Sequence[RowError]) -> None:
    """Remember what is wrong with rows."""
    if errors:
        rows = (
            (e.line, e.column, e.expected, e.shown, e.text, as_json(e.values), e.loan)
            for e in errors
        )
        copy_rows(connection, "tape_error", rows, _COLUMNS)


def read_errors(connection: Connection) -> Iterator[RowError]:
    """All errors, in the order of the file, and in a row in the order in which they were found."""
    last = {"line": 0, "number": 0}
    while True:
        with connection.begin():
            rows = connection.execute(_ERRORS, {**last, "limit": PAGE}).all()
        yield from (RowError(*error) for _, *error in rows)
        if not rows:
            return
        last = {"line": rows[-1].line, "number": rows[-1].number}
