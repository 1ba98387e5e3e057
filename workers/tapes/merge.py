"""Merges a batch of a loan tape: inserts new loans, and brings known loans up to date.

A batch is copied into temporary tables and merged from there, by a fixed number of statements.
Merging the same batch again changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import Connection, TextClause, text

from config.readers.tape_mapping import Field, TapeMapping
from domain.allocation import AllocationOrder
from domain.loans import ZERO, Problem
from domain.reasons import ReasonCode, because
from workers.db.closed_numbers import resolve_reopened
from workers.db.encryption import Cipher
from workers.db.problems import (
    TAPE_HAS_OLD_SCHEDULE,
    TAPE_PROBLEMS,
    TAPE_SHOWS_LESS,
    note_problem,
)
from workers.failures import TRANSIENT_ERRORS
from workers.tapes.absent import end_absences
from workers.tapes.changes import PastDue, past_due_of
from workers.tapes.locks import lock_loans_of_batch, lock_persons_of_batch
from workers.tapes.merge_borrowers import merge_borrowers
from workers.tapes.merge_instalments import (
    find_differing,
    insert_instalments,
    reconcile_staged,
    update_instalments,
)
from workers.tapes.merge_parties import merge_parties
from workers.tapes.name_parties import name_parties
from workers.tapes.restructured import KnownLoan, date_restructured
from workers.tapes.staging import (
    keep_first_records,
    stage_batch,
    stage_problems,
    unstage_loans,
)

_NEW = text("""
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM loan l WHERE l.external_id = t.external_id)
""")

# A new loan gets its whole position: nothing else is known of it. What is known of its person is
# asked afterwards (`Merged.alone`). The steps that the lender tried belong to the arrears of now.
# What the tape has no column for stays as it was.
_LOANS = text("""
INSERT INTO loan (external_id, borrower_id, jurisdiction, product, currency,
                  original_principal, disbursed_on, annual_rate_percent, restructured_on,
                  tape_mapping, steps_tried, steps_tried_at, tape_as_of, delinquent_since,
                  ladder_since, review_on, updated_at)
SELECT t.external_id, b.id, t.jurisdiction, t.product, t.currency,
       said.original_principal, said.disbursed_on, said.annual_rate_percent, t.restructured_on,
       :mapping,
       CASE WHEN t.ladder_since IS NULL THEN '{}' ELSE t.steps_tried END,
       CASE WHEN t.steps_tried <> '{}' THEN t.ladder_since END,
       :as_of, t.delinquent_since, t.ladder_since, t.review_on, :now
  FROM tape_loan t
  JOIN borrower b ON b.external_id = t.borrower
  LEFT JOIN loan l ON l.external_id = t.external_id
  CROSS JOIN LATERAL (
      SELECT CASE WHEN :says_principal THEN t.original_principal
                  ELSE l.original_principal END AS original_principal,
             CASE WHEN :says_day THEN t.disbursed_on ELSE l.disbursed_on END AS disbursed_on,
             CASE WHEN :says_rate THEN t.annual_rate_percent
                  ELSE l.annual_rate_percent END AS annual_rate_percent
  ) said
 WHERE (l.borrower_id, l.jurisdiction, l.product, l.original_principal, l.disbursed_on,
        l.annual_rate_percent)
       IS DISTINCT FROM
       (b.id, t.jurisdiction, t.product, said.original_principal, said.disbursed_on,
        said.annual_rate_percent)
 ORDER BY t.external_id
ON CONFLICT (external_id) DO UPDATE
   SET borrower_id = excluded.borrower_id, jurisdiction = excluded.jurisdiction,
       product = excluded.product, original_principal = excluded.original_principal,
       disbursed_on = excluded.disbursed_on,
       annual_rate_percent = excluded.annual_rate_percent, updated_at = excluded.updated_at
RETURNING id
""")

# A loan that a later tape has changed, or that has another currency, is not changed.
_SKIP = text("""
DELETE FROM tape_loan t USING loan l
 WHERE l.external_id = t.external_id AND (l.tape_as_of > :as_of OR l.currency <> t.currency)
RETURNING t.external_id, l.id, l.currency <> t.currency AS other_currency
""")

# The tape shows that these payments were reversed: no later tape contains them, so none may show
# less because of them again. A row that still has an old schedule shows it only if what is paid has
# fallen.
_FORGET_REVERSED = text("""
WITH agreed AS (
    SELECT l.id, t.external_id = ANY(:fallen) AS has_fallen
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE NOT EXISTS (SELECT FROM tape_problem k
                        WHERE k.loan = t.external_id
                          AND (k.kind = :not_if
                               OR k.kind = :old AND t.external_id <> ALL(:fallen)))
), parts AS (
    UPDATE payment_return r SET in_tape_as_of = NULL
      FROM payment p JOIN agreed a ON a.id = p.loan_id
     WHERE r.payment_id = p.id AND r.in_tape_as_of IS NOT NULL
       AND (r.returned_on < :as_of OR (r.returned_on = :as_of AND a.has_fallen))
)
UPDATE payment p SET in_tape_as_of = NULL
  FROM agreed a
 WHERE p.loan_id = a.id AND p.in_tape_as_of IS NOT NULL
   AND (p.reversed_on < :as_of OR (p.reversed_on = :as_of AND a.has_fallen))
""")

# Where a tape shows less than is on record, its date is not recorded as that of the loan.
_DATE = text("""
UPDATE loan l SET tape_as_of = :as_of, tape_mapping = :mapping
  FROM tape_loan t
 WHERE l.external_id = t.external_id
   AND (l.tape_as_of, l.tape_mapping) IS DISTINCT FROM (:as_of, :mapping)
   AND NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

_LEAVE_OUT = text("DELETE FROM tape_loan WHERE external_id = :loan")

_CONTACTS_DIFFER = text("""
SELECT t.external_id, d.line, d.first FROM tape_loan t JOIN tape_differs d ON d.line = t.line
""")

# A loan stays named if another row of the tape says more of somebody whom its row names: that row
# may come in a later batch.
_NOT_PENDING = text("""
DELETE FROM tape_pending_loan p USING tape_loan t
 WHERE p.external_id = t.external_id
   AND NOT EXISTS (SELECT FROM tape_first f
                    WHERE f.customer = ANY(t.customers) AND f.line <> t.line)
""")

# A row has no digest, and so is read again, if the record does not agree with it (`:differing`), if
# another row counts instead of it, or if the data of somebody whom it names are erased.
_DIGESTS = text("""
WITH kept AS (
    SELECT l.id, t.*,
           t.external_id <> ALL(CAST(:differing AS text[]))
           AND NOT EXISTS (SELECT FROM tape_differs d WHERE d.line = t.line)
           AND NOT EXISTS (SELECT FROM borrower b WHERE b.id = l.borrower_id
                                                    AND b.erased_at IS NOT NULL)
           AND NOT EXISTS (SELECT FROM tape_party y JOIN borrower b ON b.external_id = y.borrower
                            WHERE y.loan = t.external_id AND b.erased_at IS NOT NULL) AS is_kept
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
), gone AS (
    DELETE FROM tape_row r USING kept k WHERE r.loan_id = k.id AND NOT k.is_kept
)
INSERT INTO tape_row (loan_id, digest, customers, persons, problems)
SELECT k.id, k.digest, k.customers, k.persons,
       ARRAY(SELECT p.kind FROM problem p
              WHERE p.loan_id = k.id AND p.party_id IS NULL AND p.resolved_at IS NULL
                AND p.kind = ANY(:kinds)
              ORDER BY p.kind)
  FROM kept k
 WHERE k.is_kept
ON CONFLICT (loan_id) DO UPDATE
   SET digest = excluded.digest, customers = excluded.customers, persons = excluded.persons,
       problems = excluded.problems
""")

# New loans of new persons: whatever could hold them back would be known of the person.
_ALONE = text("""
SELECT l.id
  FROM tape_loan t
  JOIN loan l ON l.external_id = t.external_id
  JOIN borrower b ON b.id = l.borrower_id
  JOIN tape_person p ON p.external_id = b.external_id
 WHERE t.external_id = ANY(:loans)
   AND NOT EXISTS (SELECT FROM borrower o
                    WHERE o.person_id = b.person_id
                      AND NOT EXISTS (SELECT FROM tape_person q
                                       WHERE q.external_id = o.external_id))
   AND NOT EXISTS (SELECT FROM tape_party y WHERE y.loan = t.external_id)
""")

_PROBLEMS = text("""
WITH solved AS (
    UPDATE problem p SET resolved_at = :now
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN borrower b ON b.id = l.borrower_id
     WHERE p.loan_id = l.id AND p.party_id IS NULL AND p.resolved_at IS NULL
       AND p.kind = ANY(:kinds)
       -- An event may have removed what the tape still has.
       AND NOT (p.kind = 'phone_missing'
                AND NOT EXISTS (SELECT FROM borrower_number n WHERE n.borrower_id = b.id)
                OR p.kind = 'address_missing' AND b.address_encrypted IS NULL)
       AND NOT EXISTS (SELECT FROM tape_problem k
                        WHERE k.loan = t.external_id AND k.kind = p.kind)
)
INSERT INTO problem (loan_id, kind, detail, found_at)
SELECT l.id, t.kind, t.detail, :now
  FROM tape_problem t
  JOIN loan l ON l.external_id = t.loan
  JOIN borrower b ON b.id = l.borrower_id
 -- An event may have brought what the tape lacks.
 WHERE NOT (t.kind IN ('phone_missing', 'phone_invalid')
            AND EXISTS (SELECT FROM borrower_number n WHERE n.borrower_id = b.id)
            OR t.kind = 'address_missing' AND b.address_encrypted IS NOT NULL
            OR t.kind = 'zone_missing' AND b.zones <> '{}')
ON CONFLICT DO NOTHING
""")

_IDS = text("SELECT id FROM loan WHERE external_id = ANY(:loans)")
_LOANS_OF = text("""
SELECT id FROM loan WHERE borrower_id = ANY(:borrowers)
 UNION
SELECT loan_id FROM loan_party WHERE borrower_id = ANY(:borrowers) AND ended_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Merged:
    """The changes of one batch."""

    changed: tuple[int, ...]
    """The ids of the loans that are new or changed."""
    showing_less: int
    """How many loans show less paid than is recorded. The recorded amount was kept."""
    new: frozenset[int]
    """Those of `changed` that are new."""
    alone: frozenset[int]
    """Those of `new` that are all that is known of their persons: their positions are right."""
    before: Mapping[int, PastDue]
    """What was past due before, for those of `changed` whose amounts changed."""


def merge(
    connection: Connection,
    cipher: Cipher,
    tables: Mapping[str, bytes],
    *,
    as_of: date,
    order: Callable[[str], AllocationOrder],
    mapping: TapeMapping,
    now: datetime,
    shows_absent: bool = False,
    put_aside: Callable[[Connection, int, Exception, datetime], object] | None = None,
) -> Merged:
    """Merge one batch of a tape of `as_of`, which contains the payments booked before that date.

    With `put_aside` each known loan is tried alone first. If its record cannot be read, `put_aside`
    is called with it, and the loan is left out of the batch.

    `order` gives the order of allocation of a jurisdiction. What the mapping has no column for is
    left as it was. `shows_absent` says whether the tape has a loan again that was absent.

    Persons are locked first, then loans by id. What is recorded is read under the locks.
    """
    stage_batch(connection, tables)
    connection.execute(_NOT_PENDING)
    _skip(connection, as_of, now)
    keep_first_records(connection)
    _stage_differing_contacts(connection)
    if "tape_party" in tables:
        name_parties(connection, cipher)
    persons = lock_persons_of_batch(connection)
    changed: set[int] = set()
    known: list[KnownLoan] = []
    if persons:  # else nothing that the batch changes is on record
        lock_loans_of_batch(connection, persons)
        known = find_differing(connection, as_of, now.date())
        if put_aside is not None:
            reconciles = partial(
                reconcile_staged, connection, mapping=mapping, as_of=as_of, order=order, now=now
            )
            known = _leave_out_unreadable(connection, known, reconciles, put_aside, now)
    new = list(connection.execute(_NEW).scalars())
    borrowers = merge_borrowers(connection, cipher, now, only_new=not persons)
    reconciled, not_as_on_tape = reconcile_staged(connection, known, mapping, as_of, order, now)
    before = past_due_of(connection, list(reconciled), now.date())
    says = {
        "says_principal": mapping.says(Field.ORIGINAL_PRINCIPAL),
        "says_day": mapping.says(Field.DISBURSED_ON),
        "says_rate": mapping.says(Field.ANNUAL_RATE_PERCENT),
        "mapping": mapping.id,
    }
    changed.update(connection.execute(_LOANS, {"now": now, "as_of": as_of, **says}).scalars())
    insert_instalments(connection, new)
    changed.update(update_instalments(connection, reconciled, now.date()))
    parties = merge_parties(connection, mapping, now)
    changed.update(parties.loans)
    borrowers |= parties.joined
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    if persons:
        changed.update(connection.execute(_LOANS_OF, {"borrowers": list(borrowers)}).scalars())
        resolve_reopened(connection, sorted(changed), now)
        fallen = [loan for loan, result in reconciled.items() if result.fallen]
        reversed_since = {"as_of": as_of, "fallen": fallen, "not_if": TAPE_SHOWS_LESS}
        reversed_since |= {"old": TAPE_HAS_OLD_SCHEDULE}
        connection.execute(_FORGET_REVERSED, reversed_since)
        connection.execute(
            _DATE, {"as_of": as_of, "mapping": mapping.id, "not_if": TAPE_SHOWS_LESS}
        )
        if shows_absent:
            changed.update(end_absences(connection, as_of, now))
        if mapping.says(Field.RESTRUCTURED_ON):
            date_restructured(connection)
    connection.execute(_DIGESTS, {"differing": not_as_on_tape, "kinds": list(TAPE_PROBLEMS)})
    return Merged(
        changed=tuple(sorted(changed)),
        showing_less=sum(result.less > ZERO for result in reconciled.values()),
        new=_ids(connection, _IDS, new),
        alone=_ids(connection, _ALONE, new),
        before=before,
    )


def _ids(connection: Connection, statement: TextClause, loans: Sequence[str]) -> frozenset[int]:
    if not loans:
        return frozenset()
    return frozenset(connection.execute(statement, {"loans": list(loans)}).scalars())


def _skip(connection: Connection, as_of: date, now: datetime) -> None:
    skipped = connection.execute(_SKIP, {"as_of": as_of}).all()
    for row in skipped:
        if row.other_currency:
            reason = because(ReasonCode.CURRENCY_CHANGED)
            note_problem(connection, row.id, "currency_changed", reason, now)
    if skipped:
        unstage_loans(connection, [row.external_id for row in skipped])


def _leave_out_unreadable(
    connection: Connection,
    known: Sequence[KnownLoan],
    reconcile: Callable[[Sequence[KnownLoan]], object],
    put_aside: Callable[[Connection, int, Exception, datetime], object],
    now: datetime,
) -> list[KnownLoan]:
    """Those that can be reconciled; the others are taken out of the batch."""
    readable: list[KnownLoan] = []
    for loan in known:
        tried = connection.begin_nested()
        try:
            reconcile([loan])
            readable.append(loan)
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:
            tried.rollback()
            put_aside(connection, loan.id, error, now)
            connection.execute(_LEAVE_OUT, {"loan": loan.external_id})
            unstage_loans(connection, [loan.external_id])
        else:
            tried.rollback()
    return readable


def _stage_differing_contacts(connection: Connection) -> None:
    """Another row with the same customer id counts instead of this one."""
    found = connection.execute(_CONTACTS_DIFFER).all()
    reasons = {
        row.external_id: because(ReasonCode.CONTACTS_DIFFER, line=row.line, first=row.first)
        for row in found
    }
    if reasons:
        problems = {loan: (Problem("contacts_differ", why),) for loan, why in reasons.items()}
        stage_problems(connection, problems)
