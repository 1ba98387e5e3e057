"""Compares the rows of a tape with those of the tapes before it, and with each other.

All of it is done in temporary tables of one session, by hashes, before anything is changed. A row
that is the same as the last row of its loan need not be read: see `find_unchanged`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, text

from config.readers.tape_mapping import Field, TapeMapping
from workers.db.bulk import as_json
from workers.db.copy import copy_rows, copy_text
from workers.db.problems import TAPE_PROBLEMS
from workers.tapes.identities import nothing
from workers.tapes.row_errors import BadCellError, RowError
from workers.tapes.stage_rows import LineToRead, StagedRows

LINES_AT_ONCE = 2_000

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
    line int, shown_column text, expected text, shown text, said text, said_values jsonb
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
), same AS (
    SELECT min(t.line) AS line, r.loan_id
      FROM tape_line t JOIN tape_row r ON r.digest = t.digest
     GROUP BY r.loan_id
    HAVING count(*) = 1
)
INSERT INTO tape_unchanged
SELECT s.line, s.loan_id, l.external_id, r.customers, r.persons, r.problems
  FROM same s
  JOIN tape_row r ON r.loan_id = s.loan_id
  JOIN loan l ON l.id = s.loan_id
  LEFT JOIN open_problems p ON p.loan_id = s.loan_id
 WHERE (l.tape_as_of IS NULL OR l.tape_as_of <= :as_of)
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
      LEFT JOIN borrower b ON b.external_id = i.record
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

_TWICE = text("""
WITH named AS (
    SELECT line, loan FROM tape_seen WHERE is_sure
     UNION ALL
    SELECT line, external_id FROM tape_unchanged
     WHERE external_id IN (SELECT loan FROM tape_seen WHERE is_sure)
), ordered AS (
    SELECT line, loan, min(line) OVER (PARTITION BY loan) AS first FROM named
)
SELECT line, loan, first FROM ordered WHERE line > first ORDER BY line
""")

# Which row came first decides nothing: each row with such an id is refused. Of two names, nothing
# shows that they are one person's unless something else agrees.
_COMPARED = """
WITH first AS (
    SELECT DISTINCT ON (customer) customer, line, name, phone, address, place
      FROM tape_identity
     WHERE is_compared
     ORDER BY customer, line, slot
), later AS (
    SELECT i.*, f.line AS first,
           i.name <> f.name
           AND NOT ((i.phone, i.address) = (f.phone, f.address)
                    AND (f.phone, f.address) <> (:nothing, :nothing)) AS is_another
      FROM tape_identity i
      JOIN first f ON f.customer = i.customer
     WHERE i.is_compared
       AND ((i.name, i.phone, i.address) IS DISTINCT FROM (f.name, f.phone, f.address)
            OR i.place <> f.place)
)
"""

_SHARED = text(f"""
{_COMPARED}, shared AS (
    SELECT customer, min(first) AS first, min(line) AS other
      FROM later WHERE is_another GROUP BY customer
)
SELECT DISTINCT ON (i.line) i.line, i.slot, i.shown,
       CASE WHEN i.line = s.first THEN s.other ELSE s.first END AS other
  FROM tape_identity i JOIN shared s ON s.customer = i.customer
 ORDER BY i.line, i.slot
""")  # noqa: S608 the clause is the constant above

# An id that is on record for somebody else, whose loans are not on this tape: merged, one of them
# would be told of the other's debt. Somebody who has all their loans on the tape may have another
# name and another number. Each list begins with the hash of how a tape says it.
_TAKEN_OVER = text("""
WITH renamed AS MATERIALIZED (
    SELECT i.line, i.slot, i.customer, i.shown, i.numbers, i.addresses,
           b.id, b.tape_digests, b.address_point_id
      FROM tape_identity i
      JOIN borrower b ON b.external_id = i.record
     WHERE i.is_compared AND b.name_digest <> i.name_digest
       AND NOT EXISTS (SELECT FROM tape_refused r WHERE r.line = i.line)
), others AS (
    SELECT r.*
      FROM renamed r
      CROSS JOIN LATERAL (
          SELECT r.numbers IS NULL OR r.tape_digests ->> 'phone' IN ('kept', r.numbers[1])
                 OR EXISTS (SELECT FROM borrower_number n
                             JOIN contact_point p ON p.id = n.contact_point_id
                            WHERE n.borrower_id = r.id
                              AND encode(p.blind_index, 'hex') = ANY(r.numbers)) AS number,
                 r.addresses IS NULL OR r.tape_digests ->> 'address' IN ('kept', r.addresses[1])
                 OR EXISTS (SELECT FROM contact_point p
                             WHERE p.id = r.address_point_id
                               AND encode(p.blind_index, 'hex') = ANY(r.addresses)) AS address
      ) same
     WHERE (same.number AND same.address
            AND (cardinality(r.numbers) > 1 OR cardinality(r.addresses) > 1)) IS NOT TRUE
), loans AS (
    SELECT o.line, o.slot, o.customer, o.shown, l.external_id AS loan
      FROM others o JOIN loan l ON l.borrower_id = o.id
     UNION ALL
    SELECT o.line, o.slot, o.customer, o.shown, l.external_id
      FROM others o
      JOIN loan_party q ON q.borrower_id = o.id AND q.ended_at IS NULL
      JOIN loan l ON l.id = q.loan_id
)
SELECT DISTINCT ON (line) line, slot, shown, loan
  FROM loans
 WHERE NOT EXISTS (
        SELECT FROM tape_seen s
         WHERE s.loan = loans.loan
           AND (NOT EXISTS (SELECT FROM tape_error e WHERE e.line = s.line)
                OR EXISTS (SELECT FROM tape_identity i
                            WHERE i.line = s.line AND i.customer = loans.customer)))
   AND NOT EXISTS (SELECT FROM tape_unchanged u WHERE u.external_id = loans.loan)
 ORDER BY line, slot, loan
""")

_DIFFERS = text(f"""
{_COMPARED}
INSERT INTO tape_differs
SELECT line, min(first) FROM later WHERE NOT is_another GROUP BY line
""")  # noqa: S608 the clause is the constant above

# Of several rows with one customer id the first good one counts, in the whole tape: importing the
# tape again must change nothing. A row of their own comes before cells of a party, which say less.
_FIRST = text("""
WITH good AS (
    SELECT customer, line, slot
      FROM tape_identity i
     WHERE is_good AND NOT EXISTS (SELECT FROM tape_refused r WHERE r.line = i.line)
)
INSERT INTO tape_first
SELECT DISTINCT ON (customer) customer, line
  FROM good
 WHERE customer IN (SELECT customer FROM good GROUP BY customer HAVING min(line) < max(line))
 ORDER BY customer, slot > 0, line
""")

_REFUSE = text(
    "INSERT INTO tape_refused SELECT unnest(CAST(:lines AS int[])) ON CONFLICT DO NOTHING"
)
_REFUSED = text("SELECT line FROM tape_refused WHERE line BETWEEN :first AND :last")
_KEPT_ERRORS = text("""
SELECT line FROM tape_error
 WHERE line = ANY(:lines) AND shown_column = ANY(:first)
""")
_REPLACED_ERRORS = text("""
DELETE FROM tape_error
 WHERE line = ANY(:lines) AND (shown_column = ANY(:first)) IS NOT TRUE
""")
_INDEX = text("CREATE INDEX ON tape_unchanged (loan_id)")
_ANALYZE = text("ANALYZE tape_line (line), tape_unchanged (line, loan_id), tape_to_read (line)")
_NOT_UNCHANGED = text("DELETE FROM tape_unchanged WHERE line = ANY(:lines)")

_ERRORS = text("""
SELECT line, shown_column, expected, shown, said, said_values FROM tape_error
 WHERE line > :after ORDER BY line LIMIT :limit
""")

_COUNTS = text("""
SELECT (SELECT count(*) FROM tape_unchanged) AS rows,
       coalesce((SELECT jsonb_object_agg(kind, loans)
                   FROM (SELECT kind, count(*) AS loans
                           FROM tape_unchanged CROSS JOIN LATERAL unnest(problems) AS kind
                          GROUP BY kind) each), '{}') AS problems
""")

TAKEN_OVER = (
    "the customer id of one person; loan {loan}, which this tape does not give to anybody else, is "
    "on record under it with another name and another number or address. Give each person an id of "
    "their own. If it is one person, put all their loans on one tape, or report the new number and "
    "address as an event first"
)
"""What is expected of an id that is on record for another person."""

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

    def find_unchanged(self, as_of: date) -> None:
        """Find the rows that are the same as the last row of their loan, and those to be read.

        Of an unchanged row nothing would change: whatever else changes the instalments of a loan
        deletes the digest, and a row with which the record does not agree has none.
        """
        with self._connection.begin():
            given = {"as_of": as_of, "kinds": list(TAPE_PROBLEMS)}
            self._connection.execute(_UNCHANGED, given)
            self._connection.execute(_CONTRADICT)
            self._connection.execute(_TO_READ)
            self._connection.execute(_INDEX)  # for `date_some_loans`
            self._connection.execute(_ANALYZE)

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
            self._add_errors(staged.errors)

    def read_also(self, round: int) -> int:
        """How many unchanged rows are to be read in this round, because they name the same customer
        as a row that was read."""
        with self._connection.begin():
            return self._connection.execute(_READ_TOO, {"round": round}).rowcount

    def refuse_contradictions(self, mapping: TapeMapping, identity_key: bytes) -> bool:
        """Refuse loans that stand twice, and customer ids that stand for two people, on the tape or
        with what is on record.

        Returns whether there are any.
        """
        given = {"nothing": nothing(identity_key)}
        loan_column = mapping.columns.get(Field.EXTERNAL_ID)
        names = (Field.BORROWER_ID, Field.NAME)
        of_parties = (p.columns.get(of) for p in mapping.of_parties.values() for of in names)
        first = [column for column in (loan_column, *of_parties) if column]
        with self._connection.begin():
            refused = [
                BadCellError(
                    loan_column,
                    "each loan once; line {earlier} has the same reference",
                    row.loan,
                    earlier=row.first,
                ).on_line(row.line)
                for row in self._connection.execute(_TWICE)
            ]
            self._refuse(refused, first[:1])
            slots = (mapping, *mapping.of_parties.values())
            shared = [
                BadCellError(
                    slots[row.slot].columns.get(Field.BORROWER_ID),
                    "one person for each customer id; line {other} gives this one to another name "
                    "with another number or address. Give each person an id of their own, or leave "
                    "it empty",
                    row.shown,
                    other=row.other,
                ).on_line(row.line)
                for row in self._connection.execute(_SHARED, given)
            ]
            self._refuse(shared, first)
            taken_over = False
            # A row that is refused leaves its loan where it was, which may be another reason.
            while others := self._connection.execute(_TAKEN_OVER).all():
                taken_over = True
                self._refuse(
                    [
                        BadCellError(
                            slots[row.slot].columns.get(Field.BORROWER_ID),
                            TAKEN_OVER,
                            row.shown,
                            loan=row.loan,
                        ).on_line(row.line)
                        for row in others
                    ],
                    first,
                )
            self._connection.execute(_DIFFERS, given)
            self._connection.execute(_FIRST)
        return bool(refused or shared or taken_over)

    def refused(self, first: int, last: int) -> frozenset[int]:
        """The lines from `first` to `last` that were refused after they had been read."""
        with self._connection.begin():
            found = self._connection.execute(_REFUSED, {"first": first, "last": last})
            return frozenset(found.scalars())

    def errors(self) -> Iterator[RowError]:
        """All errors, in the order of the file."""
        after = 0
        while True:
            with self._connection.begin():
                rows = self._connection.execute(_ERRORS, {"after": after, "limit": PAGE}).all()
            yield from (RowError(*row) for row in rows)
            if not rows:
                return
            after = rows[-1].line

    def unchanged(self) -> UnchangedRows:
        """How many rows are unchanged."""
        with self._connection.begin():
            return UnchangedRows(*self._connection.execute(_COUNTS).one())

    def _refuse(self, errors: Sequence[RowError], first: Sequence[str]) -> None:
        """What only the whole tape shows comes before what else is wrong with a row, except in the
        columns `first`: of the loan, and of who else is party to it."""
        if not errors:
            return
        lines = [error.line for error in errors]
        given = {"lines": lines, "first": list(first)}
        kept = set(self._connection.execute(_KEPT_ERRORS, given).scalars())
        self._connection.execute(_REPLACED_ERRORS, given)
        self._add_errors([error for error in errors if error.line not in kept])
        self._connection.execute(_REFUSE, {"lines": lines})
        self._connection.execute(_NOT_UNCHANGED, {"lines": lines})

    def _add_errors(self, errors: Sequence[RowError]) -> None:
        if errors:
            rows = (
                (e.line, e.column, e.expected, e.shown, e.text, as_json(e.values)) for e in errors
            )
            copy_rows(self._connection, "tape_error", rows)
