"""The locks of an import: those of one batch at a time, for less than a second.

Everybody locks persons by id, then loans by id. So does a batch, and so nobody waits in a circle.
Others wait for what a batch has locked. Therefore it does not wait for long itself: it gives up
what it has, and begins anew.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple, TypeVar

from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError
from workers.db.numbers import has_or_had
from workers.db.presumed_links import ONE_IMPORT

T = TypeVar("T")

BEGIN_ANEW_AFTER = 0.05
"""Seconds."""

GIVE_UP_AFTER = 300
"""Seconds: much longer than any other transaction may hold a lock."""

ONE_AT_A_TIME = 0x7461_7066
"""The advisory lock of imports: one has it as long as it runs. `ONE_IMPORT` is for each batch."""

DATED_AT_ONCE = 10_000
"""Loans. Nothing else of them changes, so it takes a fraction of a second."""

# Where `enable_seqscan` is off, PostgreSQL 17 and older estimate such costs that each statement
# would be compiled (JIT), which takes longer than the statement.
_NO_LIMIT = text(
    "SET lock_timeout = 0; SET statement_timeout = 0;"
    " SET idle_in_transaction_session_timeout = 0; SET jit = off"
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_lock(:import)")

# Whoever else brings numbers to records has it too: before all other locks.
_NO_OTHER_NUMBERS = text("SELECT pg_advisory_xact_lock(:import)")

# A batch is a few rows of a large book. PostgreSQL does not know how few, and would read whole
# tables for them, which takes longer with each loan that was merged before.
_SHORT = text(
    "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout TO DEFAULT;"
    " SET LOCAL idle_in_transaction_session_timeout TO DEFAULT;"
    " SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1"
)

# Whoever may lock several loans of a person has locked the person. So the persons of each loan that
# changes are locked, and nobody has locked one of their loans and waits for another.
_PERSONS = text(f"""
WITH changed AS (
    SELECT t.*, b.person_id
      FROM tape_borrower t
      LEFT JOIN borrower b ON b.external_id = t.external_id
     WHERE b.id IS NULL OR b.tape_digests <> t.digests
), known AS (
    SELECT l.id, l.external_id, l.borrower_id, b.person_id, t.borrower
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN borrower b ON b.id = l.borrower_id
)
SELECT person_id FROM changed WHERE person_id IS NOT NULL
 UNION
SELECT b.person_id FROM changed c
  JOIN tape_number t ON t.borrower = c.external_id
  JOIN contact_point p ON p.blind_index = t.blind_index
  CROSS JOIN {has_or_had("p.id")} n
  JOIN borrower b ON b.id = n.borrower_id AND b.name_digest = c.name_digest
 UNION
SELECT person_id FROM known
 UNION
SELECT b.person_id FROM known k JOIN borrower b ON b.external_id = k.borrower
 UNION
SELECT b.person_id FROM known k
  JOIN loan_party y ON y.loan_id = k.id
  JOIN borrower b ON b.id = y.borrower_id
 UNION
SELECT b.person_id FROM known k
  JOIN tape_party y ON y.loan = k.external_id
  JOIN borrower b ON b.external_id = y.borrower
""")  # noqa: S608 the clause is a constant

_LOCK_PERSONS = text("""
SELECT id FROM person WHERE id = ANY(:persons) ORDER BY id FOR NO KEY UPDATE
""")

_LOCK_LOANS = text("""
SELECT id FROM loan
 WHERE id IN (SELECT l.id FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
               UNION
              SELECT l.id FROM borrower b JOIN loan l ON l.borrower_id = b.id
               WHERE b.person_id = ANY(:persons)
               UNION
              SELECT y.loan_id FROM borrower b JOIN loan_party y ON y.borrower_id = b.id
               WHERE b.person_id = ANY(:persons) AND y.ended_at IS NULL)
 ORDER BY id FOR NO KEY UPDATE
""")

_NEXT_TO_DATE = text("""
SELECT loan_id FROM tape_unchanged WHERE loan_id > :after ORDER BY loan_id LIMIT :limit
""")

# Whoever has changed an instalment since has deleted its digest: the tape may not know of that.
# Whoever reversed a payment that the tape contains is believed: see `workers/tapes/merge.py`.
_DATE = text("""
WITH dated AS (
    SELECT l.id
      FROM loan l JOIN tape_row r ON r.loan_id = l.id
     WHERE l.id = ANY(:loans) AND l.tape_as_of IS DISTINCT FROM :as_of
     ORDER BY l.id FOR NO KEY UPDATE OF l
), forgotten AS (
    UPDATE payment p SET in_tape_as_of = NULL FROM dated d
     WHERE p.loan_id = d.id AND p.in_tape_as_of IS NOT NULL AND p.reversed_on < :as_of
), parts AS (
    UPDATE payment_return r SET in_tape_as_of = NULL
      FROM dated d JOIN payment p ON p.loan_id = d.id
     WHERE r.payment_id = p.id AND r.in_tape_as_of IS NOT NULL AND r.returned_on < :as_of
)
UPDATE loan l SET tape_as_of = :as_of, tape_mapping = :mapping FROM dated d WHERE l.id = d.id
""")


# Autovacuum does so too, a minute later.
_ANALYZE = text(
    "ANALYZE person, borrower, borrower_number, contact_point, loan, instalment, tape_row"
)


class _PersonsChangedError(Exception):
    """Somebody joined persons while they were waited for."""


@contextmanager
def import_session(engine: Engine) -> Iterator[Connection]:
    """A session for one import, when no other import runs. Its temporary tables end with it.

    It has no limits of time, except in the transactions of `in_short_transaction`.
    """
    with engine.connect() as connection:
        connection.detach()  # no other use of the pool gets it afterwards
        with connection.begin():
            connection.execute(_NO_LIMIT)
        with connection.begin():
            connection.execute(_ONE_AT_A_TIME, {"import": ONE_AT_A_TIME})
        yield connection


def in_short_transaction(
    connection: Connection, work: Callable[[], T], *, roll_back: bool = False
) -> T:
    """Do `work` in a transaction that waits for no lock for long; if it has to, begin anew.

    With `roll_back`, nothing of it is kept.

    Raises:
        ArrearsError: somebody else has locked something that it needs, all the time.
    """
    ends_at = time.monotonic() + GIVE_UP_AFTER
    while True:
        try:
            with connection.begin() as transaction:
                connection.execute(_SHORT)
                result = work()
                if roll_back:
                    transaction.rollback()
                return result
        except _PersonsChangedError:
            pass
        except OperationalError as error:
            if not isinstance(error.orig, (LockNotAvailable, DeadlockDetected)):
                raise
        if time.monotonic() > ends_at:
            raise ArrearsError(
                "Somebody else has locked what this tape changes. Import it again when less is "
                "going on: what is merged already is not merged twice."
            )
        time.sleep(BEGIN_ANEW_AFTER)


def analyze_book(connection: Connection) -> None:
    """Have PostgreSQL count what is in the tables; nothing happens if the role may not."""
    with connection.begin():
        connection.execute(_ANALYZE)


def lock_persons_of_batch(connection: Connection) -> Sequence[int]:
    """Lock the persons whom the staged batch may change, and those of its loans.

    From here on, nobody else brings numbers to records until the transaction ends.
    """
    connection.execute(_NO_OTHER_NUMBERS, {"import": ONE_IMPORT})
    persons = sorted(connection.execute(_PERSONS).scalars())
    if not persons:
        return ()  # all are new, and nobody else brings numbers to anybody now
    connection.execute(_LOCK_PERSONS, {"persons": persons})
    # While it waited, a record may have come to stand for another person.
    if not set(persons).issuperset(connection.execute(_PERSONS).scalars()):
        raise _PersonsChangedError
    return persons


def lock_loans_of_batch(connection: Connection, persons: Sequence[int]) -> None:
    """Lock the staged loans that are on record, and all to which these locked persons are borrower
    or party."""
    connection.execute(_LOCK_LOANS, {"persons": list(persons)})


class Dated(NamedTuple):
    """How far the dates of loans have been set."""

    loans: int
    last: int


def date_some_loans(connection: Connection, as_of: date, mapping: str, after: int) -> Dated:
    """Set the date of the tape on unchanged loans with ids above `after`, as many as at once."""
    given = {"as_of": as_of, "after": after, "limit": DATED_AT_ONCE}
    loans = connection.execute(_NEXT_TO_DATE, given).scalars().all()
    if loans:
        connection.execute(_DATE, {"as_of": as_of, "mapping": mapping, "loans": list(loans)})
    return Dated(len(loans), loans[-1] if loans else after)
