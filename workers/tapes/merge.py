"""Merges a batch of a loan tape: inserts new loans, and brings known loans up to date.

A batch is copied into temporary tables and merged from there, by a fixed number of statements.
Merging the same batch again changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, TextClause, text

from config.readers.tape_mapping import PARTY_SLOTS, Field, TapeMapping
from domain.allocation import AllocationOrder
from domain.loans import ZERO, Instalment, Problem
from domain.reasons import ReasonCode, because
from domain.tape_reconciliation import Reconciled, reconcile
from workers.db.adjustments import replace_parts
from workers.db.allocations import read_recorded_money, replace_all_allocations
from workers.db.closed_numbers import resolve_reopened
from workers.db.problems import TAPE_PROBLEMS, TAPE_SHOWS_LESS, note_problem
from workers.tapes.changes import PastDue, past_due_of
from workers.tapes.locks import lock_loans_of_batch, lock_persons_of_batch
from workers.tapes.merge_borrowers import merge_borrowers
from workers.tapes.staging import (
    keep_first_records,
    restage_instalments,
    stage_batch,
    stage_problems,
    unstage_loans,
)

_NEW = text("""
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM loan l WHERE l.external_id = t.external_id)
""")

# Known loans whose instalments on the tape differ from those on record, or which have payments of
# the tape's day or later.
_DIFFERING = text("""
WITH differing AS (
    SELECT t.loan
      FROM tape_instalment t
      JOIN loan l ON l.external_id = t.loan
      LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
     WHERE (k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
           IS DISTINCT FROM
           (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
        -- A day that has begun to count stays; others follow the calendar and the ladder.
        OR (k.counts_from < :today) IS NOT TRUE AND k.counts_from IS DISTINCT FROM t.counts_from
     UNION
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN instalment i ON i.loan_id = l.id
      LEFT JOIN tape_instalment k ON k.loan = t.external_id AND k.due_on = i.due_on
     WHERE k.loan IS NULL
     UNION
    -- The tape does not contain these payments, also if it shows exactly what is on record.
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN payment p ON p.loan_id = l.id
     WHERE p.paid_on >= :as_of AND p.reversed_on IS NULL AND p.unallocated < p.amount
     UNION
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN adjustment a ON a.loan_id = l.id
     WHERE CASE WHEN a.taken_back_on IS NULL THEN a.booked_on >= :as_of
                ELSE a.booked_on < :as_of AND a.taken_back_on >= :as_of END
)
SELECT l.id, l.external_id FROM loan l JOIN differing t ON t.loan = l.external_id
""")

# A new loan gets its whole position: nothing else is known of it. What is known of its person is
# asked afterwards (`Merged.alone`). The steps that the lender tried belong to the arrears of now.
# What the tape has no column for stays as it was.
_LOANS = text("""
INSERT INTO loan (external_id, borrower_id, jurisdiction, product, currency,
                  original_principal, disbursed_on, steps_tried,
                  steps_tried_at, tape_as_of, delinquent_since, ladder_since, review_on, updated_at)
SELECT t.external_id, b.id, t.jurisdiction, t.product, t.currency,
       said.original_principal, said.disbursed_on,
       CASE WHEN t.ladder_since IS NULL THEN '{}' ELSE t.steps_tried END,
       CASE WHEN t.steps_tried <> '{}' THEN t.ladder_since END,
       :as_of, t.delinquent_since, t.ladder_since, t.review_on, :now
  FROM tape_loan t
  JOIN borrower b ON b.external_id = t.borrower
  LEFT JOIN loan l ON l.external_id = t.external_id
  CROSS JOIN LATERAL (
      SELECT CASE WHEN :says_principal THEN t.original_principal
                  ELSE l.original_principal END AS original_principal,
             CASE WHEN :says_day THEN t.disbursed_on ELSE l.disbursed_on END AS disbursed_on
  ) said
 WHERE (l.borrower_id, l.jurisdiction, l.product, l.original_principal, l.disbursed_on)
       IS DISTINCT FROM
       (b.id, t.jurisdiction, t.product, said.original_principal, said.disbursed_on)
 ORDER BY t.external_id
ON CONFLICT (external_id) DO UPDATE
   SET borrower_id = excluded.borrower_id, jurisdiction = excluded.jurisdiction,
       product = excluded.product, original_principal = excluded.original_principal,
       disbursed_on = excluded.disbursed_on, updated_at = excluded.updated_at
RETURNING id
""")

_INSTALMENTS = text("""
INSERT INTO instalment (loan_id, due_on, principal, interest, fees,
                             paid_principal, paid_interest, paid_fees, counts_from)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees,
       CASE WHEN k.counts_from < :today THEN k.counts_from ELSE t.counts_from END
  FROM tape_instalment t
  JOIN loan l ON l.external_id = t.loan
  LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
 WHERE t.loan = ANY(:loans)
   AND ((k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
        IS DISTINCT FROM
        (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
        OR (k.counts_from < :today) IS NOT TRUE AND k.counts_from IS DISTINCT FROM t.counts_from)
ON CONFLICT (loan_id, due_on) DO UPDATE
   SET principal = excluded.principal, interest = excluded.interest, fees = excluded.fees,
       paid_principal = excluded.paid_principal, paid_interest = excluded.paid_interest,
       paid_fees = excluded.paid_fees, counts_from = excluded.counts_from
RETURNING loan_id
""")

_NEW_INSTALMENTS = text("""
INSERT INTO instalment (loan_id, due_on, principal, interest, fees,
                        paid_principal, paid_interest, paid_fees, counts_from)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees, t.counts_from
  FROM tape_instalment t
  JOIN loan l ON l.external_id = t.loan
 WHERE t.loan = ANY(:loans)
""")

_DELETE_INSTALMENTS = text("""
DELETE FROM instalment i USING loan l, tape_loan t
 WHERE l.external_id = t.external_id AND i.loan_id = l.id AND t.external_id = ANY(:loans)
   AND NOT EXISTS (SELECT FROM tape_instalment k
                    WHERE k.loan = t.external_id AND k.due_on = i.due_on)
RETURNING i.loan_id
""")

# A loan that a later tape has changed, or that has another currency, is not changed.
_SKIP = text("""
DELETE FROM tape_loan t USING loan l
 WHERE l.external_id = t.external_id AND (l.tape_as_of > :as_of OR l.currency <> t.currency)
RETURNING t.external_id, l.id, l.currency <> t.currency AS other_currency
""")

# The tape shows that these payments were reversed: no later tape contains them, so none may show
# less because of them again.
_FORGET_REVERSED = text("""
UPDATE payment p SET in_tape_as_of = NULL
  FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
 WHERE p.loan_id = l.id AND p.in_tape_as_of IS NOT NULL
   AND (p.reversed_on < :as_of OR (p.reversed_on = :as_of AND t.external_id = ANY(:fallen)))
   AND NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

# Where a tape shows less than is on record, its date is not recorded as that of the loan.
_DATE = text("""
UPDATE loan l SET tape_as_of = :as_of
  FROM tape_loan t
 WHERE l.external_id = t.external_id AND l.tape_as_of IS DISTINCT FROM :as_of
   AND NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

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

_STAGED = text("""
SELECT t.*, l.currency, l.jurisdiction
  FROM tape_instalment t JOIN tape_loan l ON l.external_id = t.loan
 WHERE t.loan = ANY(:loans)
 ORDER BY t.loan, t.due_on
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

# A tape ends and brings back only what a tape brought in, and ends nobody for whom it has no
# columns. Of a party that came in before slots were kept, the role decides.
_PARTIES = text("""
WITH given AS (
    SELECT l.id AS loan_id, b.id AS borrower_id, t.role, min(t.slot) AS slot
      FROM tape_party t
      JOIN loan l ON l.external_id = t.loan
      JOIN borrower b ON b.external_id = t.borrower
     WHERE b.id <> l.borrower_id
     GROUP BY l.id, b.id, t.role
), moved AS (
    UPDATE loan_party q SET tape_slot = g.slot
      FROM given g
     WHERE (q.loan_id, q.borrower_id, q.role) = (g.loan_id, g.borrower_id, g.role)
       AND q.from_tape AND q.ended_at IS NULL AND q.tape_slot IS DISTINCT FROM g.slot
), ended AS (
    UPDATE loan_party q SET ended_at = :now
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE q.loan_id = l.id AND q.from_tape AND q.ended_at IS NULL
       AND CASE WHEN q.tape_slot IS NULL THEN q.role = ANY(:roles)
                ELSE q.tape_slot = ANY(:slots) END
       AND NOT EXISTS (SELECT FROM given g
                        WHERE g.loan_id = q.loan_id AND g.borrower_id = q.borrower_id
                          AND g.role = q.role)
    RETURNING q.id, q.loan_id
), made AS (
    INSERT INTO loan_party AS q (loan_id, borrower_id, role, from_tape, tape_slot)
    SELECT loan_id, borrower_id, role, true, slot FROM given ORDER BY loan_id, borrower_id, role
    ON CONFLICT (loan_id, borrower_id, role) DO UPDATE
       SET ended_at = NULL, tape_slot = excluded.tape_slot
     WHERE q.ended_at IS NOT NULL AND q.from_tape
    RETURNING q.id, q.loan_id
), noted AS (
    INSERT INTO loan_party_change (loan_party_id, at, is_party, source, source_kind)
    SELECT id, :now, false, 'tape', 'system' FROM ended
     UNION ALL
    SELECT id, :now, true, 'tape', 'system' FROM made
)
SELECT loan_id FROM ended UNION SELECT loan_id FROM made
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
    """Those of `new` of whose persons nothing else is known: their positions are right."""
    before: Mapping[int, PastDue]
    """What was past due before, of those of `changed` whose amounts changed."""


def merge(
    connection: Connection,
    tables: Mapping[str, bytes],
    *,
    as_of: date,
    order: Callable[[str], AllocationOrder],
    mapping: TapeMapping,
    now: datetime,
) -> Merged:
    """Merge one batch of a tape of `as_of`, which contains the payments booked before that date.

    `order` gives the order of allocation of a jurisdiction. What the mapping has no column for is
    left as it was.

    Persons are locked first, then loans by id. What is recorded is read under the locks.
    """
    stage_batch(connection, tables)
    connection.execute(_NOT_PENDING)
    _skip(connection, as_of, now)
    keep_first_records(connection)
    _stage_differing_contacts(connection)
    persons = lock_persons_of_batch(connection)
    changed: set[int] = set()
    known: dict[str, int] = {}
    if persons:  # else nothing that the batch changes is on record
        lock_loans_of_batch(connection, persons)
        found = connection.execute(_DIFFERING, {"today": now.date(), "as_of": as_of})
        known = {row.external_id: row.id for row in found}
    new = list(connection.execute(_NEW).scalars())
    borrowers = merge_borrowers(connection, now, only_new=not persons)
    reconciled, not_as_on_tape = _reconcile(connection, known, as_of, order)
    before = past_due_of(connection, list(reconciled), now.date())
    says = {
        "says_principal": mapping.says(Field.ORIGINAL_PRINCIPAL),
        "says_day": mapping.says(Field.DISBURSED_ON),
    }
    changed.update(connection.execute(_LOANS, {"now": now, "as_of": as_of, **says}).scalars())
    if new:
        connection.execute(_NEW_INSTALMENTS, {"loans": new})
    if reconciled:
        differing = {"loans": list(reconciled), "today": now.date()}
        changed.update(connection.execute(_INSTALMENTS, differing).scalars())
        changed.update(connection.execute(_DELETE_INSTALMENTS, differing).scalars())
    if slots := list(mapping.of_parties):
        told = {"now": now, "slots": slots, "roles": [PARTY_SLOTS[slot] for slot in slots]}
        changed.update(connection.execute(_PARTIES, told).scalars())
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    if persons:
        changed.update(connection.execute(_LOANS_OF, {"borrowers": list(borrowers)}).scalars())
        resolve_reopened(connection, sorted(changed), now)
        fallen = [loan for loan, result in reconciled.items() if result.fallen]
        reversed_since = {"as_of": as_of, "fallen": fallen, "not_if": TAPE_SHOWS_LESS}
        connection.execute(_FORGET_REVERSED, reversed_since)
        connection.execute(_DATE, {"as_of": as_of, "not_if": TAPE_SHOWS_LESS})
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


def _reconcile(
    connection: Connection,
    known: Mapping[str, int],
    as_of: date,
    order: Callable[[str], AllocationOrder],
) -> tuple[dict[str, Reconciled], list[str]]:
    """Reconcile the staged instalments with what is recorded here; by the loans' external ids.
    Also gives those of which the record will be something else than the tape says.

    `known` are the loans on record whose instalments differ, and their ids. They are locked: no
    payment can come in between.
    """
    if not known:
        return {}, []
    record = read_recorded_money(connection, list(known.values()), as_of)
    schedules: dict[str, list[Instalment]] = defaultdict(list)
    currencies: dict[str, str] = {}
    jurisdictions: dict[str, str] = {}
    for row in connection.execute(_STAGED, {"loans": list(known)}):
        currencies[row.loan] = row.currency
        jurisdictions[row.loan] = row.jurisdiction
        schedules[row.loan].append(
            Instalment(
                *(row.due_on, row.principal, row.interest, row.fees),
                *(row.paid_principal, row.paid_interest, row.paid_fees, row.counts_from),
            )
        )
    reconciled = {
        loan: reconcile(tuple(schedule), record[known[loan]], as_of, order(jurisdictions[loan]))
        for loan, schedule in schedules.items()
    }
    replace_all_allocations(
        connection,
        {id: to for result in reconciled.values() for id, to in result.allocations.items()},
    )
    replace_parts(
        connection,
        {id: parts for result in reconciled.values() for id, parts in result.adjusted.items()},
    )
    other = {
        loan: result.instalments
        for loan, result in reconciled.items()
        if list(result.instalments) != schedules[loan]
    }
    if other:
        restage_instalments(connection, other)
    stage_problems(
        connection,
        {
            loan: (_shows_less(result.less, currencies[loan], as_of),)
            for loan, result in reconciled.items()
            if result.less
        },
    )
    return reconciled, list(other)


def _shows_less(less: Decimal, currency: str, as_of: date) -> Problem:
    detail = because(ReasonCode.TAPE_SHOWS_LESS, on=as_of, amount=less, currency=currency)
    return Problem(TAPE_SHOWS_LESS, detail)
