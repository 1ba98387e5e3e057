"""Merges a batch of a loan tape: inserts new loans, and brings known loans up to date.

A batch is copied into temporary tables and merged from there, by a fixed number of statements.
Merging the same batch again changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.allocation import AllocationOrder
from domain.loans import ZERO, LoanOnTape, Problem
from domain.reasons import ReasonCode, because
from domain.tape_reconciliation import Reconciled, reconcile
from workers.db.allocations import read_recorded_payments, replace_all_allocations
from workers.db.closed_numbers import resolve_reopened
from workers.db.encryption import Cipher
from workers.db.problems import NO_LADDER, TAPE_SHOWS_LESS, note_problem
from workers.tapes.changes import PastDue, past_due_of
from workers.tapes.locks import lock_persons_of_batch
from workers.tapes.merge_borrowers import merge_borrowers
from workers.tapes.staging import (
    empty_staging,
    restage_instalments,
    stage_details,
    stage_loans,
    stage_problems,
)

TAPE_PROBLEMS = (
    *("phone_missing", "phone_invalid", "address_missing", "zone_missing", "contacts_differ"),
    *(NO_LADDER, TAPE_SHOWS_LESS),
)
"""Problems that the next tape resolves if it does not show them again."""

_NEW = text("""
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM loan l WHERE l.external_id = t.external_id)
""")

# Known loans whose instalments on the tape differ from those on record, or which have payments of
# the tape's day or later. Only these are locked, after their persons: a tape without changes waits
# for no lock.
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
)
SELECT l.id, l.external_id FROM loan l JOIN differing t ON t.loan = l.external_id
""")

_LOCK_LOANS = text("SELECT id FROM loan WHERE id = ANY(:loans) ORDER BY id FOR NO KEY UPDATE")

_LOANS = text("""
INSERT INTO loan (external_id, borrower_id, jurisdiction, product, currency, steps_tried,
                  updated_at)
SELECT t.external_id, b.id, t.jurisdiction, t.product, t.currency, t.steps_tried, :now
  FROM tape_loan t
  JOIN borrower b ON b.external_id = t.borrower
  LEFT JOIN loan l ON l.external_id = t.external_id
 WHERE (l.borrower_id, l.jurisdiction, l.product)
       IS DISTINCT FROM (b.id, t.jurisdiction, t.product)
 ORDER BY t.external_id
ON CONFLICT (external_id) DO UPDATE
   SET borrower_id = excluded.borrower_id, jurisdiction = excluded.jurisdiction,
       product = excluded.product, updated_at = excluded.updated_at
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
_NOTE_DATED = text("""
INSERT INTO tape_dated
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

_PROBLEMS = text("""
WITH solved AS (
    UPDATE problem p SET resolved_at = :now
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN borrower b ON b.id = l.borrower_id
     WHERE p.loan_id = l.id AND p.resolved_at IS NULL AND p.kind = ANY(:kinds)
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
ON CONFLICT (loan_id, kind) WHERE resolved_at IS NULL DO NOTHING
""")

# A tape ends and brings back only what a tape brought in.
_PARTIES = text("""
WITH given AS (
    SELECT DISTINCT l.id AS loan_id, b.id AS borrower_id, t.role
      FROM tape_party t
      JOIN loan l ON l.external_id = t.loan
      JOIN borrower b ON b.external_id = t.borrower
     WHERE b.id <> l.borrower_id
), ended AS (
    UPDATE loan_party q SET ended_at = :now
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE q.loan_id = l.id AND q.from_tape AND q.ended_at IS NULL
       AND NOT EXISTS (SELECT FROM given g
                        WHERE g.loan_id = q.loan_id AND g.borrower_id = q.borrower_id
                          AND g.role = q.role)
    RETURNING q.id, q.loan_id
), made AS (
    INSERT INTO loan_party AS q (loan_id, borrower_id, role, from_tape)
    SELECT loan_id, borrower_id, role, true FROM given ORDER BY loan_id, borrower_id, role
    ON CONFLICT (loan_id, borrower_id, role) DO UPDATE SET ended_at = NULL
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

_STEPS_TRIED = text("""
UPDATE loan l
   SET steps_tried_at = l.ladder_since,
       steps_tried = CASE WHEN l.ladder_since IS NULL THEN '{}' ELSE l.steps_tried END
  FROM tape_loan t
 WHERE l.external_id = t.external_id AND l.steps_tried <> '{}' AND l.steps_tried_at IS NULL
""")

_IDS = text("SELECT id FROM loan WHERE external_id = ANY(:loans)")
_LOANS_OF = text("SELECT id FROM loan WHERE borrower_id = ANY(:borrowers)")


@dataclass(frozen=True, slots=True)
class Merged:
    """The changes of one batch."""

    changed: tuple[int, ...]
    """The ids of the loans that are new or changed."""
    showing_less: int
    """How many loans show less paid than is recorded. The recorded amount was kept."""
    new: frozenset[int]
    """Those of `changed` that are new."""
    before: Mapping[int, PastDue]
    """What was past due before, of those of `changed` whose amounts changed."""


def merge(
    connection: Connection,
    cipher: Cipher,
    loans: Sequence[LoanOnTape],
    *,
    as_of: date,
    order: AllocationOrder,
    now: datetime,
) -> Merged:
    """Merge one batch of a tape of `as_of`, which contains the payments booked before that date."""
    empty_staging(connection)
    stage_loans(connection, loans)
    skipped_rows = connection.execute(_SKIP, {"as_of": as_of}).all()
    for row in skipped_rows:
        if row.other_currency:
            reason = because(ReasonCode.CURRENCY_CHANGED)
            note_problem(connection, row.id, "currency_changed", reason, now)
    skipped = {row.external_id for row in skipped_rows}
    merged = [loan for loan in loans if loan.external_id not in skipped]
    stage_details(connection, cipher, merged)
    changed: set[int] = set()
    found = connection.execute(_DIFFERING, {"today": now.date(), "as_of": as_of})
    known = {row.external_id: row.id for row in found}
    lock_persons_of_batch(connection, known.values())
    borrowers = merge_borrowers(connection, now)
    new = list(connection.execute(_NEW).scalars())
    reconciled = _reconcile(connection, merged, known, as_of, order)
    differing = {"loans": [*new, *reconciled]}
    before = past_due_of(connection, list(reconciled), now.date())
    changed.update(connection.execute(_LOANS, {"now": now}).scalars())
    changed.update(connection.execute(_INSTALMENTS, {**differing, "today": now.date()}).scalars())
    changed.update(connection.execute(_DELETE_INSTALMENTS, differing).scalars())
    if any(loan.parties is not None for loan in merged):
        changed.update(connection.execute(_PARTIES, {"now": now}).scalars())
    changed.update(connection.execute(_LOANS_OF, {"borrowers": list(borrowers)}).scalars())
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    resolve_reopened(connection, sorted(changed), now)
    fallen = [loan for loan, result in reconciled.items() if result.fallen]
    reversed_since = {"as_of": as_of, "fallen": fallen, "not_if": TAPE_SHOWS_LESS}
    connection.execute(_FORGET_REVERSED, reversed_since)
    connection.execute(_NOTE_DATED, {"not_if": TAPE_SHOWS_LESS})
    return Merged(
        changed=tuple(sorted(changed)),
        showing_less=sum(result.less > ZERO for result in reconciled.values()),
        new=frozenset(connection.execute(_IDS, {"loans": new}).scalars()) if new else frozenset(),
        before=before,
    )


def date_steps_tried(connection: Connection) -> None:
    """Date the steps that the lender tried: they belong to the arrears at the first import."""
    connection.execute(_STEPS_TRIED)


def _reconcile(
    connection: Connection,
    loans: Sequence[LoanOnTape],
    known: Mapping[str, int],
    as_of: date,
    order: AllocationOrder,
) -> dict[str, Reconciled]:
    """Reconcile the staged instalments with what is recorded here; by the loans' external ids.

    `known` are the loans on record whose instalments differ, and their ids. They are locked, and
    what is recorded is read under the lock: no payment can come in between.
    """
    if not known:
        return {}
    connection.execute(_LOCK_LOANS, {"loans": list(known.values())})
    record = read_recorded_payments(connection, list(known.values()), as_of)
    differing = {loan.external_id: loan for loan in loans if loan.external_id in known}
    reconciled = {
        id: reconcile(loan.instalments, record[known[id]], as_of, order)
        for id, loan in differing.items()
    }
    replace_all_allocations(
        connection,
        {id: to for result in reconciled.values() for id, to in result.allocations.items()},
    )
    restage_instalments(connection, {id: result.instalments for id, result in reconciled.items()})
    stage_problems(
        connection,
        {
            id: (_shows_less(result.less, differing[id].currency, as_of),)
            for id, result in reconciled.items()
            if result.less
        },
    )
    return reconciled


def _shows_less(less: Decimal, currency: str, as_of: date) -> Problem:
    detail = because(ReasonCode.TAPE_SHOWS_LESS, on=as_of, amount=less, currency=currency)
    return Problem(TAPE_SHOWS_LESS, detail)
