"""Which records are presumed to stand for one person: what shows it, and whom it would join."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from domain.events import NotYetError
from domain.persons import name_key
from domain.reasons import ReasonCode
from workers.db.encryption import Cipher
from workers.db.numbers import has_or_had
from workers.db.persons import record_named
from workers.db.same_person import lock_persons, make_persons

# Records with a name and any number are joined with the first record that has the name and has or
# had the number, and with those that somebody parted: any of them may be the person. What somebody
# parted stays parted.
_SAME_IDENTITY = text(f"""
WITH given AS (
    SELECT b.id, b.person_id, b.name_digest, n.contact_point_id
      FROM borrower b JOIN borrower_number n ON n.borrower_id = b.id
     WHERE b.id = ANY(:records) AND b.name_digest IS NOT NULL
), alike AS (
    SELECT b.id, b.person_id, g.name_digest, g.contact_point_id
      FROM (SELECT DISTINCT name_digest, contact_point_id FROM given) g
      CROSS JOIN {has_or_had("g.contact_point_id")} n
      JOIN borrower b ON b.id = n.borrower_id AND b.name_digest = g.name_digest
), others AS (
    SELECT min(id) AS id FROM alike GROUP BY name_digest, contact_point_id
     UNION
    SELECT b.id
      FROM alike b
     WHERE EXISTS (SELECT FROM same_person s WHERE s.borrower_id = b.id AND s.status = 'parted')
        OR EXISTS (SELECT FROM same_person s WHERE s.other_id = b.id AND s.status = 'parted')
), made AS (
    INSERT INTO same_person (borrower_id, other_id, status, reason, made_at)
    SELECT DISTINCT least(g.id, b.id), greatest(g.id, b.id), 'presumed',
           '["same_name_and_number"]'::jsonb, CAST(:now AS timestamptz)
      FROM given g
      JOIN alike b ON b.name_digest = g.name_digest
                  AND b.contact_point_id = g.contact_point_id AND b.person_id <> g.person_id
      JOIN others o ON o.id IN (b.id, g.id)
    ON CONFLICT DO NOTHING
    RETURNING *
), noted AS (
    INSERT INTO same_person_change (borrower_id, other_id, status, reason, at)
    SELECT borrower_id, other_id, status, reason, made_at FROM made
)
SELECT borrower_id, other_id FROM made
""")  # noqa: S608 the clause is a constant


# Whom a tape may show under another customer id:
# - the borrower of a loan on record that arrives under another id;
# - whoever owes it in any role, was not named before, and has the name of somebody whom the tape
#   names no more, or has no id and stands in the columns of such a person who had none;
# - a record whose id the tape gave to somebody else, and whoever has that id now.
# That a person parted the two before is no reason against it: another loan moves now, and its
# protection must not end by a tape.
_MOVED_LOANS = text("""
WITH known AS (
    SELECT l.id, l.external_id, l.borrower_id, t.borrower
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
), named AS (
    SELECT k.id AS loan_id, b.id, b.external_id, b.name_digest, NULL AS slot
      FROM known k JOIN borrower b ON b.external_id = k.borrower
     UNION
    SELECT k.id, b.id, b.external_id, b.name_digest, t.slot
      FROM known k
      JOIN tape_party t ON t.loan = k.external_id
      JOIN borrower b ON b.external_id = t.borrower
), before AS (
    SELECT id AS loan_id, borrower_id, NULL AS slot FROM known
     UNION
    SELECT q.loan_id, q.borrower_id, CASE WHEN q.ended_at IS NULL THEN q.tape_slot END
      FROM known k JOIN loan_party q ON q.loan_id = k.id
), other AS (
    SELECT k.external_id AS named, k.borrower_id, b.id AS other_id, 'loan_moved' AS code
      FROM known k JOIN borrower b ON b.external_id = k.borrower
     WHERE k.borrower_id <> b.id
     UNION ALL
    SELECT k.external_id, o.id, n.id,
           CASE WHEN o.name_digest = n.name_digest THEN 'party_renumbered'
                ELSE 'party_in_their_place' END
      FROM named n
      JOIN known k ON k.id = n.loan_id
      JOIN before q ON q.loan_id = n.loan_id
      JOIN borrower o ON o.id = q.borrower_id
     WHERE (o.name_digest = n.name_digest
            OR q.slot = n.slot AND starts_with(o.external_id, 'loan:')
               AND starts_with(n.external_id, 'loan:'))
       AND NOT EXISTS (SELECT FROM before x WHERE x.loan_id = n.loan_id AND x.borrower_id = n.id)
       AND NOT EXISTS (SELECT FROM named x WHERE x.loan_id = n.loan_id AND x.id = o.id)
     UNION ALL
    SELECT n.external_id, f.id, n.id, 'id_given_anew'
      FROM unnest(CAST(:former AS bigint[]), CAST(:ids AS text[])) f (id, external_id)
      JOIN borrower n ON n.external_id = f.external_id
), moved AS (
    SELECT DISTINCT ON (1, 2) least(borrower_id, other_id) AS borrower_id,
           greatest(borrower_id, other_id) AS other_id, code, named
      FROM other
     ORDER BY 1, 2, code = 'id_given_anew', code, named
), made AS (
    INSERT INTO same_person AS s (borrower_id, other_id, status, reason, made_at, moved_at)
    SELECT borrower_id, other_id, 'presumed',
           jsonb_build_array(jsonb_build_object(code, jsonb_build_object(
               CASE code WHEN 'id_given_anew' THEN 'borrower' ELSE 'loan' END, named))),
           CAST(:now AS timestamptz), CAST(:now AS timestamptz)
      FROM moved
    ON CONFLICT (borrower_id, other_id) DO UPDATE
       SET status = excluded.status, reason = excluded.reason, made_at = excluded.made_at,
           moved_at = excluded.moved_at, decided_at = NULL, actor = NULL
     WHERE s.status = 'parted'
    RETURNING *
), moved_again AS (
    UPDATE same_person s SET moved_at = CAST(:now AS timestamptz)
      FROM moved m
     WHERE s.borrower_id = m.borrower_id AND s.other_id = m.other_id AND s.status <> 'parted'
), noted AS (
    INSERT INTO same_person_change (borrower_id, other_id, status, reason, at)
    SELECT borrower_id, other_id, status, reason, made_at FROM made
)
SELECT borrower_id, other_id FROM made
""")


def name_digest(cipher: Cipher, name: str) -> bytes | None:
    """The keyed hash of a name, equal however it is written; None if it has no letter."""
    key = name_key(name)
    return cipher.blind_index(f"name\n{key}") if key else None


def join_same_identity(
    connection: Connection, records: Sequence[int], now: datetime
) -> frozenset[int]:
    """Join records whose name or number is new with those that have the same name and any same
    number, or had it before.

    Returns the records whose facts may have changed.
    """
    return _join(connection, _SAME_IDENTITY, now, records=list(records)) if records else frozenset()


def join_moved_loans(
    connection: Connection, given_anew: Mapping[int, str], now: datetime
) -> frozenset[int]:
    """Join the record that a staged loan had before with the one under which it arrives, and
    likewise the records of its other parties, if they have the same name.

    `given_anew` has the ids that the tape gave to somebody else, by the record that had them: each
    of these is joined with the record that has the id now.

    Returns the records whose facts may have changed.
    """
    former, ids = list(given_anew), list(given_anew.values())
    return _join(connection, _MOVED_LOANS, now, former=former, ids=ids)


def _join(
    connection: Connection, statement: TextClause, now: datetime, **values: object
) -> frozenset[int]:
    links = connection.execute(statement, {"now": now, **values}).all()
    return make_persons(connection, {id for link in links for id in link}, now)


_NAMESAKES = text(f"""
SELECT CAST(:record AS bigint) AS id
 UNION
SELECT o.id
  FROM borrower b
  JOIN contact_point p ON p.blind_index = ANY(CAST(:numbers AS bytea[]))
  CROSS JOIN {has_or_had("p.id")} n
  JOIN borrower o ON o.id = n.borrower_id AND o.name_digest = b.name_digest
 WHERE b.id = :record
""")  # noqa: S608 the clause is a constant


ONE_IMPORT = 0x7461_7065
"""The advisory lock of imports. One import at a time has it alone; other writers of numbers share
it."""


_ONE_FOR_EACH_NUMBER = text("""
SELECT pg_try_advisory_xact_lock_shared(:import) AS no_import_runs,
       (SELECT count(pg_advisory_xact_lock(key))
          FROM (SELECT key FROM unnest(CAST(:keys AS bigint[])) key ORDER BY key) ordered)
""")


def lock_new_numbers(connection: Connection, blind_indexes: Sequence[bytes]) -> None:
    """Wait for everybody else who brings any of these numbers to a record; before all other locks.

    Two who bring the same number at once would not see each other's record, and one person under
    two ids would stay two persons. For an import nobody waits: what brings a number while it
    merges a batch is applied after it, and holds back whom it would reach until then.

    Raises:
        NotYetError: an import runs, or waits to begin.
    """
    keys = {int.from_bytes(index[:8], "big", signed=True) for index in blind_indexes}
    values = {"import": ONE_IMPORT, "keys": sorted(keys)}
    if not connection.execute(_ONE_FOR_EACH_NUMBER, values).one().no_import_runs:
        raise NotYetError(ReasonCode.IMPORT_RUNS)


def lock_namesakes(
    connection: Connection, external_id: str, blind_indexes: Sequence[bytes]
) -> None:
    """Lock the persons who become one if a record gets numbers: its own, and those with the same
    name who have any of them, or had it before. Before all other locks.

    Raises:
        NotYetError: an import runs.
    """
    lock_new_numbers(connection, blind_indexes)
    record = record_named(connection, external_id)
    if record is not None:
        named = {"record": record, "numbers": list(blind_indexes)}
        lock_persons(connection, connection.execute(_NAMESAKES, named).scalars().all())


# Somebody who owes a loan in any role and has the name of somebody who does no longer. What
# somebody parted stays parted: no loan has moved.
_RENUMBERED = text("""
WITH pair AS (
    SELECT DISTINCT ON (1, 2) least(n.id, o.id) AS borrower_id, greatest(n.id, o.id) AS other_id,
           l.external_id AS loan
      FROM loan_party q
      JOIN loan l ON l.id = q.loan_id
      JOIN borrower n ON n.id = q.borrower_id
      JOIN loan_party p ON p.loan_id = q.loan_id AND p.borrower_id <> q.borrower_id
      JOIN borrower o ON o.id = p.borrower_id AND o.name_digest = n.name_digest
     WHERE q.id = ANY(:parties)
       AND CASE WHEN q.ended_at IS NULL THEN p.ended_at IS NOT NULL
                -- Who came after the one who leaves.
                ELSE p.ended_at IS NULL AND p.id > (SELECT max(r.id) FROM loan_party r
                                                     WHERE r.loan_id = q.loan_id
                                                       AND r.borrower_id = q.borrower_id) END
     ORDER BY 1, 2, 3
), made AS (
    INSERT INTO same_person (borrower_id, other_id, status, reason, made_at)
    SELECT borrower_id, other_id, 'presumed',
           jsonb_build_array(jsonb_build_object('party_renumbered',
                                                jsonb_build_object('loan', loan))),
           CAST(:now AS timestamptz)
      FROM pair
    ON CONFLICT DO NOTHING
    RETURNING *
), noted AS (
    INSERT INTO same_person_change (borrower_id, other_id, status, reason, at)
    SELECT borrower_id, other_id, status, reason, made_at FROM made
)
SELECT borrower_id, other_id FROM made
""")


_NAMESAKES_OF_PARTY = text(f"""
WITH named AS (SELECT id, name_digest FROM borrower WHERE external_id = :record)
SELECT id FROM named
 UNION
SELECT o.id
  FROM named b
  JOIN borrower_number x ON x.borrower_id = b.id
  CROSS JOIN {has_or_had("x.contact_point_id")} n
  JOIN borrower o ON o.id = n.borrower_id AND o.name_digest = b.name_digest
 UNION
SELECT o.id
  FROM named b
  JOIN loan l ON l.external_id = :loan
  JOIN loan_party p ON p.loan_id = l.id
  JOIN borrower o ON o.id = p.borrower_id AND o.name_digest = b.name_digest
""")  # noqa: S608 the clause is a constant


def lock_namesakes_of_party(connection: Connection, external_id: str, loan: str) -> None:
    """Lock the persons who become one if a record becomes party to a loan, or is it no longer: its
    own, and those with the same name who have or had one of its numbers, or are or were party to
    the loan. Before the loan."""
    named = {"record": external_id, "loan": loan}
    lock_persons(connection, connection.execute(_NAMESAKES_OF_PARTY, named).scalars().all())


def join_renumbered_parties(
    connection: Connection, parties: Sequence[int], now: datetime
) -> frozenset[int]:
    """Join a new party of a loan with former parties of the same name, and a former party with
    those who came after.

    `parties` are the rows of those who began or ended; their persons are locked. Returns the
    records whose facts may have changed.
    """
    return _join(connection, _RENUMBERED, now, parties=list(parties)) if parties else frozenset()
