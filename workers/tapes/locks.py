"""The locks of an import, which takes minutes: it waits for nobody while it has locked anything.

Everybody locks persons by id, then loans by id. An import cannot: it finds out batch by batch whom
it changes. So whatever it needs after its first batch it asks for again and again, and takes it
once it is free. Whoever has it then waits for nothing that the import has locked, or gives up by
the time limit of every lock and is tried again.
"""

import time
from collections.abc import Collection, Iterator
from datetime import date

from sqlalchemy import Connection, text

from domain.errors import ArrearsError
from workers.db.same_person import ONE_IMPORT

ASK_AGAIN_AFTER = 0.05
"""Seconds."""

GIVE_UP_AFTER = 300
"""Seconds: much longer than any other transaction may wait for a lock."""

# Two imports at the same time would wait for each other for ever. Whoever waits for another one has
# locked nothing, and may wait as long as that takes.
_NO_LIMIT = text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:import)")
_LIMITS = text("SET LOCAL lock_timeout TO DEFAULT; SET LOCAL statement_timeout TO DEFAULT")

# Whoever may lock several loans of a person has locked the person. So the persons of each loan that
# changes are locked, and nobody has locked one of their loans and waits for another.
_PERSONS = text("""
WITH changed AS (
    SELECT t.*, b.person_id
      FROM tape_borrower t
      LEFT JOIN borrower b ON b.external_id = t.external_id
     WHERE b.id IS NULL OR b.tape_digests <> t.digests
), moved AS (
    SELECT l.borrower_id AS id, t.borrower AS external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN borrower b ON b.id = l.borrower_id
     WHERE b.external_id <> t.borrower
)
SELECT p.id FROM person p
 WHERE p.id IN (
     SELECT person_id FROM changed
      UNION
     SELECT b.person_id FROM changed c
       JOIN tape_number t ON t.borrower = c.external_id
       JOIN contact_point p ON p.blind_index = t.blind_index
       JOIN borrower_number n ON n.contact_point_id = p.id
       JOIN borrower b ON b.id = n.borrower_id AND b.name_digest = c.name_digest
      UNION
     SELECT b.person_id FROM moved m JOIN borrower b ON b.id = m.id
      UNION
     SELECT b.person_id FROM moved m JOIN borrower b ON b.external_id = m.external_id
      UNION
     SELECT b.person_id FROM loan l JOIN borrower b ON b.id = l.borrower_id
      WHERE l.id = ANY(:loans)
      UNION
     SELECT b.person_id FROM loan_party y JOIN borrower b ON b.id = y.borrower_id
      WHERE y.loan_id = ANY(:loans) AND y.ended_at IS NULL)
""")

_LOCK_FREE = text("""
SELECT id FROM person WHERE id = ANY(:persons) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
""")

_DATE_FREE = text("""
WITH free AS (
    SELECT l.id
      FROM tape_dated t JOIN loan l ON l.external_id = t.external_id
     WHERE l.tape_as_of IS DISTINCT FROM :as_of
     ORDER BY l.id
       FOR NO KEY UPDATE OF l SKIP LOCKED
)
UPDATE loan l SET tape_as_of = :as_of FROM free WHERE l.id = free.id
""")

_NOT_DATED = text("""
SELECT EXISTS (SELECT FROM tape_dated t JOIN loan l ON l.external_id = t.external_id
                WHERE l.tape_as_of IS DISTINCT FROM :as_of)
""")


def wait_for_other_imports(connection: Connection) -> None:
    """Wait until no other import runs, and nobody else brings numbers to records.

    This one ends with its transaction."""
    connection.execute(_NO_LIMIT)
    connection.execute(_ONE_AT_A_TIME, {"import": ONE_IMPORT})
    connection.execute(_LIMITS)


def lock_persons_of_batch(connection: Connection, differing: Collection[int]) -> None:
    """Lock the persons whom the staged batch changes, and those of the loans that differ.

    Raises:
        ArrearsError: somebody else has locked one of them for too long.
    """
    locked: set[int] = set()
    for _ in _tries():
        # While others have it, a record may come to stand for another person.
        persons = set(connection.execute(_PERSONS, {"loans": list(differing)}).scalars())
        free = connection.execute(_LOCK_FREE, {"persons": sorted(persons - locked)})
        locked.update(free.scalars())
        if locked >= persons:
            return


def date_loans(connection: Connection, as_of: date) -> None:
    """Set the date of the tape on its loans. It comes last, because it updates all of them.

    Raises:
        ArrearsError: somebody else has locked one of them for too long.
    """
    for _ in _tries():
        connection.execute(_DATE_FREE, {"as_of": as_of})
        if not connection.execute(_NOT_DATED, {"as_of": as_of}).scalar_one():
            return


def _tries() -> Iterator[None]:
    """Again and again, until the caller has what it needs."""
    ends_at = time.monotonic() + GIVE_UP_AFTER
    while time.monotonic() < ends_at:
        yield
        time.sleep(ASK_AGAIN_AFTER)
    raise ArrearsError(
        "Somebody else has locked what this tape changes. Import it again when less is going on."
    )
