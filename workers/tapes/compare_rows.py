"""Compares the rows of a tape with those of the tapes before it, and with each other.

All of it is done in temporary tables of one session, by hashes, before anything is changed. A row
that is the same as the last row of its loan need not be read: see `find_unchanged`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, text

from workers.db.copy import copy_text
from workers.db.problems import TAPE_PROBLEMS
from workers.tapes.found_errors import add_errors
from workers.tapes.stage_rows import LineToRead, StagedRows

LINES_AT_ONCE = 10_000

_TABLES = text("""
CREATE TEMP TABLE tape_line (line int, starts_at bigint, length int, digest uuid);
CREATE TEMP TABLE tape_unchanged (
    line int, loan_id bigint, external_id text, customers uuid[], persons bigint[],
    problems text[]
);
CREATE TEMP TABLE tape_to_read (
    round int, line int, starts_at bigint, length int, digest uuid, PRIMARY KEY (round, line)
);
CREATE TEMP TABLE tape_seen (line int, loan text, is_sure boolean);
CREATE TEMP TABLE tape_identity (
    line int, is_good boolean, slot int, customer uuid, name bigint, phone bigint, address bigint,
    place bigint, is_compared boolean, shown text, person bigint,
    record text, name_digest bytea, numbers text[], addresses text[], digests jsonb
);
CREATE TEMP TABLE tape_error (
    number int GENERATED ALWAYS AS IDENTITY, line int, shown_column text, expected text, shown text,
    said text, said_values jsonb, loan text
);
CREATE TEMP TABLE tape_refused (line int PRIMARY KEY);
CREATE TEMP TABLE tape_differs (line int PRIMARY KEY, first int);
CREATE TEMP TABLE tape_first (customer uuid PRIMARY KEY, line int);
""")

# The same problems must be open: somebody may have resolved one, which the tape then shows again.
# Two lines with the same bytes are one loan twice.
_UNCHANGED = text("""
WITH open_problems AS (
    SELECT loan_id, array_agg(kind ORDER BY kind) AS kinds
      FROM problem
     WHERE party_id IS NULL AND resolved_at IS NULL AND kind = ANY(:kinds)
     GROUP BY loan_id
)
INSERT INTO tape_unchanged
SELECT t.line, r.loan_id, l.external_id, r.customers, r.persons, r.problems
  FROM tape_line t
  JOIN tape_row r ON r.digest = t.digest
  JOIN loan l ON l.id = r.loan_id
  LEFT JOIN open_problems p ON p.loan_id = r.loan_id
 WHERE NOT EXISTS (SELECT FROM tape_line o WHERE o.digest = t.digest AND o.line <> t.line)
   AND (l.tape_as_of IS NULL OR l.tape_as_of <= :as_of)
   AND coalesce(p.kinds, '{}') = r.problems
   -- A loan that is back on the tape is merged.
   AND NOT EXISTS (SELECT FROM absent_loan a WHERE a.loan_id = l.id AND a.back_at IS NULL)
""")

# One customer id, two people, in two tapes: each of them was right by itself.
_CONTRADICT = text("""
DELETE FROM tape_unchanged u
 USING (SELECT customer
          FROM tape_unchanged x, unnest(x.customers, x.persons) AS y (customer, person)
         GROUP BY customer
        HAVING min(person) <> max(person)) c
 WHERE c.customer = ANY(u.customers)
""")

_TO_READ = text("""
INSERT INTO tape_to_read
SELECT 0, t.* FROM tape_line t
 WHERE NOT EXISTS (SELECT FROM tape_unchanged u WHERE u.line = t.line)
 ORDER BY t.line
""")

# What one row says of a customer holds for all rows with them: the first one counts. If it is what
# is on record, and the other row names the same person, they agree, and that row stays unread.
_READ_TOO = text("""
WITH named AS (
    SELECT i.customer, min(i.person) AS person,
           min(i.person) = max(i.person) AND bool_and(b.tape_digests = i.digests) IS TRUE
               AND count(b.id) = count(*) AS is_on_record
      FROM tape_identity i
      -- By the index for each row: a join would read all records, for however few rows.
      LEFT JOIN LATERAL (SELECT id, tape_digests FROM borrower
                          WHERE external_id = i.record LIMIT 1) b ON true
     GROUP BY i.customer
), same AS (
    SELECT DISTINCT u.line
      FROM tape_unchanged u
     CROSS JOIN LATERAL unnest(u.customers, u.persons) AS x (customer, person)
      JOIN named n ON n.customer = x.customer
     WHERE NOT (n.is_on_record AND n.person = x.person)
), read AS (
    DELETE FROM tape_unchanged u USING same s WHERE u.line = s.line RETURNING u.line
)
INSERT INTO tape_to_read SELECT :round, t.* FROM tape_line t JOIN read USING (line) ORDER BY line
""")

_LINES = text("""
SELECT line, starts_at, length, replace(CAST(digest AS text), '-', '') FROM tape_to_read
 WHERE round = :round AND line > :after AND line <= :until
 ORDER BY line LIMIT :limit
""")

_REFUSED = text("SELECT line FROM tape_refused WHERE line BETWEEN :first AND :last")
_INDEX = text("CREATE INDEX ON tape_unchanged (loan_id)")
_ANALYZE = text(
    "ANALYZE tape_line (line), tape_unchanged (line, loan_id), tape_to_read (round, line)"
)
_COUNTS = text("""
SELECT (SELECT count(*) FROM tape_unchanged) AS rows,
       coalesce((SELECT jsonb_object_agg(kind, loans)
                   FROM (SELECT kind, count(*) AS loans
                           FROM tape_unchanged CROSS JOIN LATERAL unnest(problems) AS kind
                          GROUP BY kind) each), '{}') AS problems
""")

LAST_LINE = 2**31 - 1
PAGE = 2_000


class UnchangedRows(NamedTuple):
    """Rows that are the same as the last ones of their loans."""

    rows: int
    problems: Mapping[str, int]
    """How many of these loans have each kind of problem."""


class RowComparison:
    """The rows of one tape, in temporary tables of the connection's session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with connection.begin():
            connection.execute(_TABLES)

    def add_lines(self, lines: Iterable[tuple[int, int, int, str]]) -> int:
        """Remember where each line of the file is, and its digest; returns how many they are."""
        found = 0
        lines = iter(lines)
        while written := [
            "{}\t{}\t{}\t{}\n".format(*line) for line in islice(lines, LINES_AT_ONCE)
        ]:
            found += len(written)
            with self._connection.begin():
                copy_text(self._connection, "tape_line", "".join(written).encode())
        return found

    def find_unchanged(self, as_of: date) -> int:
        """Find the rows that are the same as the last row of their loan, and those to be read;
        returns how many are the same.

        Of an unchanged row nothing would change: whatever else changes the instalments of a loan
        deletes the digest, and a row with which the record does not agree has none.
        """
        with self._connection.begin():
            given = {"as_of": as_of, "kinds": list(TAPE_PROBLEMS)}
            same = self._connection.execute(_UNCHANGED, given).rowcount
            contradicted = self._connection.execute(_CONTRADICT).rowcount
            self._connection.execute(_TO_READ)
            self._connection.execute(_INDEX)  # for `date_some_loans`
            self._connection.execute(_ANALYZE)
        return same - contradicted

    def read_all(self) -> None:
        """All rows are to be read."""
        with self._connection.begin():
            self._connection.execute(_TO_READ)

    def to_read(
        self, round: int, size: int, first: int = 0, last: int = LAST_LINE
    ) -> Iterator[list[LineToRead]]:
        """The lines that are to be read in this round, from `first` to `last`, in pieces."""
        after = first - 1
        while True:
            given = {
                "round": round,
                "after": after,
                "until": last,
                "limit": max(PAGE // size, 1) * size,
            }
            with self._connection.begin():
                rows = self._connection.execute(_LINES, given).all()
            lines = [LineToRead(*row) for row in rows]
            yield from (lines[n : n + size] for n in range(0, len(lines), size))
            if not lines:
                return
            after = lines[-1].number

    def add_rows(self, staged: StagedRows) -> None:
        """Remember what was found in rows that were read."""
        with self._connection.begin():
            copy_text(self._connection, "tape_seen", staged.seen)
            copy_text(self._connection, "tape_identity", staged.identities)
            add_errors(self._connection, staged.errors)

    def read_also(self, round: int) -> int:
        """How many unchanged rows are to be read in this round, because they name the same customer
        as a row that was read."""
        with self._connection.begin():
            return self._connection.execute(_READ_TOO, {"round": round}).rowcount

    def refused(self, first: int, last: int) -> frozenset[int]:
        """The lines from `first` to `last` that were refused after they had been read."""
        with self._connection.begin():
            found = self._connection.execute(_REFUSED, {"first": first, "last": last})
            return frozenset(found.scalars())

    def unchanged(self) -> UnchangedRows:
        """How many rows are unchanged."""
        with self._connection.begin():
            return UnchangedRows(*self._connection.execute(_COUNTS).one())
