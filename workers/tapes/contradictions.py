"""Refuses loans that stand twice, and customer ids that stand for two people.

On one tape, or on the tape and on record. Nothing decides which of the rows is right.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from config.readers.tape_mapping import Field, TapeMapping
from workers.tapes.found_errors import add_errors
from workers.tapes.identities import nothing
from workers.tapes.row_errors import BadCellError, RowError

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
       CASE WHEN i.line = s.first THEN s.other ELSE s.first END AS other, n.loan AS named
  FROM tape_identity i JOIN shared s ON s.customer = i.customer
  LEFT JOIN tape_seen n ON n.line = i.line AND n.is_sure
 ORDER BY i.line, i.slot
""")  # noqa: S608 the clause is the constant above

# An id that is on record for somebody else, whose loans are not on this tape: merged, one of them
# would learn of the other's debt. Somebody who has all their loans on the tape may have another
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
SELECT DISTINCT ON (loans.line) loans.line, loans.slot, loans.shown, loans.loan, n.loan AS named
  FROM loans
  LEFT JOIN tape_seen n ON n.line = loans.line AND n.is_sure
 WHERE NOT EXISTS (
        SELECT FROM tape_seen s
         WHERE s.loan = loans.loan
           AND (NOT EXISTS (SELECT FROM tape_error e WHERE e.line = s.line)
                OR EXISTS (SELECT FROM tape_identity i
                            WHERE i.line = s.line AND i.customer = loans.customer)))
   AND NOT EXISTS (SELECT FROM tape_unchanged u WHERE u.external_id = loans.loan)
 ORDER BY loans.line, loans.slot, loans.loan
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
_KEPT_ERRORS = text("""
SELECT line FROM tape_error
 WHERE line = ANY(:lines) AND shown_column = ANY(:first)
""")
_REPLACED_ERRORS = text("""
DELETE FROM tape_error e
 USING unnest(CAST(:lines AS int[]), CAST(:columns AS text[])) AS c (line, shown_column)
 WHERE e.line = c.line AND e.shown_column = c.shown_column
   AND (e.shown_column = ANY(:first)) IS NOT TRUE
""")
_NOT_UNCHANGED = text("DELETE FROM tape_unchanged WHERE line = ANY(:lines)")

TAKEN_OVER = (
    "the customer id of one person; loan {loan}, which this tape does not give to anybody else, is "
    "on record under it with another name and another number or address. Give each person an id of "
    "their own. If it is one person, put all their loans on one tape, or report the new number and "
    "address as an event first"
)
"""What is expected of an id that is on record for another person."""


def refuse_contradictions(
    connection: Connection, mapping: TapeMapping, identity_key: bytes
) -> bool:
    """Refuse loans that stand twice, and customer ids that stand for two people, on the tape or
    with what is on record.

    Returns whether there are any.
    """
    given = {"nothing": nothing(identity_key)}
    loan_column = mapping.columns.get(Field.EXTERNAL_ID)
    names = (Field.BORROWER_ID, Field.NAME)
    of_parties = (p.columns.get(of) for p in mapping.of_parties.values() for of in names)
    first = [column for column in (loan_column, *of_parties) if column]
    with connection.begin():
        refused = [
            BadCellError(
                loan_column,
                "each loan once; line {earlier} has the same reference",
                row.loan,
                earlier=row.first,
            ).on_line(row.line, row.loan)
            for row in connection.execute(_TWICE)
        ]
        _refuse(connection, refused, first[:1])
        slots = (mapping, *mapping.of_parties.values())
        shared = [
            BadCellError(
                slots[row.slot].columns.get(Field.BORROWER_ID),
                "one person for each customer id; line {other} gives this one to another name "
                "with another number or address. Give each person an id of their own, or leave "
                "it empty",
                row.shown,
                other=row.other,
            ).on_line(row.line, row.named)
            for row in connection.execute(_SHARED, given)
        ]
        _refuse(connection, shared, first)
        taken_over = False
        # A row that is refused leaves its loan where it was, which may be another reason.
        while others := connection.execute(_TAKEN_OVER).all():
            taken_over = True
            _refuse(
                connection,
                [
                    BadCellError(
                        slots[row.slot].columns.get(Field.BORROWER_ID),
                        TAKEN_OVER,
                        row.shown,
                        loan=row.loan,
                    ).on_line(row.line, row.named)
                    for row in others
                ],
                first,
            )
        connection.execute(_DIFFERS, given)
        connection.execute(_FIRST)
    return bool(refused or shared or taken_over)


def _refuse(connection: Connection, errors: Sequence[RowError], first: Sequence[str]) -> None:
    """Refuse rows for what only the whole tape shows.

    Such an error is added to the errors of other columns, and replaces an error of the same column.
    It is left out if a column of `first` is wrong, for the loan and for its other parties.
    """
    if not errors:
        return
    lines = [error.line for error in errors]
    columns = [error.column for error in errors]
    given = {"lines": lines, "columns": columns, "first": list(first)}
    kept = set(connection.execute(_KEPT_ERRORS, given).scalars())
    connection.execute(_REPLACED_ERRORS, given)
    add_errors(connection, [error for error in errors if error.line not in kept])
    connection.execute(_REFUSE, {"lines": lines})
    connection.execute(_NOT_UNCHANGED, {"lines": lines})
