"""The temporary tables into which a batch of loans is copied before it is merged."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from domain.loans import Instalment, Problem
from workers.db.bulk import as_json
from workers.db.copy import copy_rows, copy_text
from workers.tapes.stage_rows import write_instalments

# `line` and `slot` say which record a customer id has first: that one counts.
_STAGING = text("""
CREATE TEMP TABLE tape_loan (
    line int, external_id text, borrower text, jurisdiction text, product text, currency text,
    original_principal numeric, disbursed_on date, annual_rate_percent numeric,
    restructured_on date,
    steps_tried text[],
    digest uuid, customers uuid[], persons bigint[],
    delinquent_since date, ladder_since date, review_on date, past_due numeric
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_borrower (
    line int, slot int, external_id text, customer uuid, name_encrypted bytea, name_digest bytea,
    address_encrypted bytea, address_blind_index bytea, digests jsonb, zones text[], locale text,
    region text, unsaid text[]
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_number (
    line int, slot int, borrower text, field smallint, number_encrypted bytea, blind_index bytea,
    kind text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_changed_number (
    borrower_id bigint, external_id text, field smallint, position smallint
) ON COMMIT DELETE ROWS;
CREATE INDEX ON tape_changed_number (borrower_id);
CREATE TEMP TABLE tape_instalment (
    loan text, due_on date, principal numeric, interest numeric, fees numeric,
    paid_principal numeric, paid_interest numeric, paid_fees numeric, counts_from date
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_problem (loan text, kind text, detail jsonb) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_person (external_id text, person_id bigint) ON COMMIT DELETE ROWS;
CREATE INDEX ON tape_person (external_id);
CREATE TEMP TABLE tape_party (loan text, borrower text, role text, slot text) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tape_erased (external_id text) ON COMMIT DELETE ROWS;
""")

_UNSTAGE = text("DELETE FROM tape_instalment WHERE loan = ANY(:loans)")

# A row may name one customer id several times, and several rows of a batch the same one. Cells of
# a party say less than a row of their own: they come last.
_FIRST_OF_BATCH = text("""
DELETE FROM tape_borrower t
 WHERE EXISTS (SELECT FROM tape_borrower o
                WHERE o.external_id = t.external_id
                  AND (o.slot > 0, o.line, o.slot) < (t.slot > 0, t.line, t.slot))
""")

# A row of another batch counts: it is merged already, or comes later. One that gives the id to
# another name stays: its loan must not go to whoever had the id before.
_FIRST_OF_TAPE = text("""
DELETE FROM tape_borrower t
 USING tape_first f, borrower b
 WHERE f.customer = t.customer AND f.line <> t.line AND b.external_id = t.external_id
   AND (b.name_digest <> t.name_digest) IS NOT TRUE
""")

# Of what a row has no cell for, the last word of a tape counts. `+` marks a number that had no cell
# of its own: it stood in that of the first one, and goes with it.
_UNSAID = text("""
UPDATE tape_borrower t
   SET digests = coalesce((SELECT jsonb_object_agg(said.key, said.value)
                             FROM jsonb_each_text(b.tape_digests) said
                            WHERE said.key = ANY(t.unsaid)
                              AND (said.value NOT LIKE '+%' OR 'phone' = ANY(t.unsaid))),
                          '{}') || t.digests
  FROM borrower b
 WHERE b.external_id = t.external_id AND b.tape_digests ?| t.unsaid
""")

_NUMBERS_OF_FIRST = text("""
DELETE FROM tape_number n
 WHERE NOT EXISTS (SELECT FROM tape_borrower t
                    WHERE (t.external_id, t.line, t.slot) = (n.borrower, n.line, n.slot))
""")

_UNSTAGE_SKIPPED = text("""
WITH borrowers AS (
    DELETE FROM tape_borrower t WHERE NOT EXISTS (SELECT FROM tape_loan l WHERE l.line = t.line)
), instalments AS (
    DELETE FROM tape_instalment WHERE loan = ANY(:loans)
), parties AS (
    DELETE FROM tape_party WHERE loan = ANY(:loans)
)
DELETE FROM tape_problem WHERE loan = ANY(:loans)
""")


def make_staging(connection: Connection) -> None:
    """Create the temporary tables of one import. They are dropped with its session."""
    connection.execute(_STAGING)


def stage_batch(connection: Connection, tables: Mapping[str, bytes]) -> None:
    """Copy a batch. The tables are empty again at the end of the transaction."""
    for table, rows in tables.items():
        copy_text(connection, table, rows)


def unstage_loans(connection: Connection, loans: Sequence[str]) -> None:
    """Take out the details of loans that were taken out of the batch."""
    connection.execute(_UNSTAGE_SKIPPED, {"loans": list(loans)})


def keep_first_records(connection: Connection) -> None:
    """Of several rows with one customer id, keep what the first row of the tape says."""
    for statement in (_FIRST_OF_BATCH, _FIRST_OF_TAPE, _NUMBERS_OF_FIRST, _UNSAID):
        connection.execute(statement)


def restage_instalments(
    connection: Connection, schedules: Mapping[str, Sequence[Instalment]]
) -> None:
    """Replace the staged instalments of these loans."""
    connection.execute(_UNSTAGE, {"loans": list(schedules)})
    rows = (write_instalments(loan, schedule) for loan, schedule in schedules.items())
    copy_text(connection, "tape_instalment", "".join(rows).encode())


def stage_problems(connection: Connection, problems: Mapping[str, Sequence[Problem]]) -> None:
    """Copy problems by the external id of their loan."""
    rows = (
        (loan, found.kind, as_json(found.detail))
        for loan, some in problems.items()
        for found in some
    )
    copy_rows(connection, "tape_problem", rows)
