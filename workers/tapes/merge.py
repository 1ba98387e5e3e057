"""A piece of a loan tape goes into the book: new loans in, known ones brought up to date.

Each piece is copied into temporary tables and merged from there by a fixed number of statements.
The same piece twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.allocation import AllocationOrder
from domain.loans import ZERO, LoanOnTape, Problem
from domain.tape_reconciliation import Reconciled, reconcile
from workers.db.allocations import read_recorded_payments, replace_all_allocations
from workers.db.encryption import Cipher
from workers.db.problems import NO_LADDER, TAPE_SHOWS_LESS, note_problem
from workers.tapes.changes import Standing, standings
from workers.tapes.staging import (
    empty_staging,
    restage_instalments,
    stage_details,
    stage_loans,
    stage_problems,
)

OTHER_CURRENCY = "A tape gives the loan in another currency; it was left as it is. Ask the lender."

TAPE_PROBLEMS = ("phone_missing", "phone_invalid", "zone_missing", NO_LADDER, TAPE_SHOWS_LESS)
"""Those that the next tape resolves if it does not show them again."""

_NEW = text("""
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM loan l WHERE l.external_id = t.external_id)
""")

# Known loans of which the tape tells anything else than what is on record. Only they are locked:
# an unchanged tape waits for nobody.
_TOLD_ANEW = text("""
WITH told_anew AS (
    SELECT t.loan
      FROM tape_instalment t
      JOIN loan l ON l.external_id = t.loan
      LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
     WHERE (k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
           IS DISTINCT FROM
           (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
     UNION
    SELECT t.external_id
      FROM tape_loan t
      JOIN loan l ON l.external_id = t.external_id
      JOIN instalment i ON i.loan_id = l.id
      LEFT JOIN tape_instalment k ON k.loan = t.external_id AND k.due_on = i.due_on
     WHERE k.loan IS NULL
)
SELECT l.id, l.external_id FROM loan l JOIN told_anew t ON t.loan = l.external_id
 ORDER BY l.id
   FOR UPDATE OF l
""")

# A row is taken for an upsert only if it differs: the rest of the book is not even locked.
_BORROWERS = text("""
INSERT INTO borrower (external_id, name_encrypted, phone_encrypted, phone_blind_index,
    address_encrypted,
                      facts_digest, zones, locale, region, updated_at)
SELECT DISTINCT ON (t.external_id) t.external_id, t.name_encrypted, t.phone_encrypted,
    t.phone_blind_index,
       t.address_encrypted, t.facts_digest, t.zones, t.locale, t.region, :now
  FROM tape_borrower t LEFT JOIN borrower b ON b.external_id = t.external_id
 WHERE b.id IS NULL
    OR (b.facts_digest <> t.facts_digest
        -- What was erased comes back with a new loan, and not with one that was here before.
        AND (b.erased_at IS NULL
             OR EXISTS (SELECT FROM tape_loan n
                         WHERE n.borrower = t.external_id
                           AND NOT EXISTS (SELECT FROM loan l
                                            WHERE l.external_id = n.external_id))))
 ORDER BY t.external_id, t.facts_digest
ON CONFLICT (external_id) DO UPDATE
   SET name_encrypted = excluded.name_encrypted, phone_encrypted = excluded.phone_encrypted,
       phone_blind_index = excluded.phone_blind_index, address_encrypted =
           excluded.address_encrypted,
       facts_digest = excluded.facts_digest, zones = excluded.zones, locale = excluded.locale,
       region = excluded.region, updated_at = excluded.updated_at, erased_at = NULL
RETURNING id
""")

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
                             paid_principal, paid_interest, paid_fees)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees
  FROM tape_instalment t
  JOIN loan l ON l.external_id = t.loan
  LEFT JOIN instalment k ON k.loan_id = l.id AND k.due_on = t.due_on
 WHERE t.loan = ANY(:loans)
   AND (k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
       IS DISTINCT FROM
       (t.principal, t.interest, t.fees, t.paid_principal, t.paid_interest, t.paid_fees)
ON CONFLICT (loan_id, due_on) DO UPDATE
   SET principal = excluded.principal, interest = excluded.interest, fees = excluded.fees,
       paid_principal = excluded.paid_principal, paid_interest = excluded.paid_interest,
       paid_fees = excluded.paid_fees
RETURNING loan_id
""")

_GONE = text("""
DELETE FROM instalment i USING loan l, tape_loan t
 WHERE l.external_id = t.external_id AND i.loan_id = l.id AND t.external_id = ANY(:loans)
   AND NOT EXISTS (SELECT FROM tape_instalment k
                    WHERE k.loan = t.external_id AND k.due_on = i.due_on)
RETURNING i.loan_id
""")

# A loan that another tape told of later, or in another currency, is left as it is.
_LEFT_ALONE = text("""
DELETE FROM tape_loan t USING loan l
 WHERE l.external_id = t.external_id AND (l.tape_as_of > :as_of OR l.currency <> t.currency)
RETURNING t.external_id, l.id, l.currency <> t.currency AS other_currency
""")

# The tape has told that these were taken back: no tape contains them any more, and none may show
# less by them again.
_OUT_OF_THE_TAPE = text("""
UPDATE payment p SET in_tape_of = NULL
  FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
 WHERE p.loan_id = l.id AND p.in_tape_of IS NOT NULL
   AND (p.reversed_on < :as_of OR (p.reversed_on = :as_of AND t.external_id = ANY(:fallen)))
   AND NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

# A tape that shows less than is on record is not taken at its word for its day.
_NOTE_TOLD = text("""
INSERT INTO tape_told
SELECT t.external_id FROM tape_loan t
 WHERE NOT EXISTS (SELECT FROM tape_problem k WHERE k.loan = t.external_id AND k.kind = :not_if)
""")

_TOLD = text("""
UPDATE loan l SET tape_as_of = :as_of FROM tape_told t
 WHERE l.external_id = t.external_id AND l.tape_as_of IS DISTINCT FROM :as_of
""")

_PROBLEMS = text("""
WITH solved AS (
    UPDATE problem p SET resolved_at = :now
      FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
     WHERE p.loan_id = l.id AND p.resolved_at IS NULL AND p.kind = ANY(:kinds)
       AND NOT EXISTS (SELECT FROM tape_problem k
                        WHERE k.loan = t.external_id AND k.kind = p.kind)
)
INSERT INTO problem (loan_id, kind, detail, found_at)
SELECT l.id, t.kind, t.detail, :now FROM tape_problem t JOIN loan l ON l.external_id = t.loan
ON CONFLICT (loan_id, kind) WHERE resolved_at IS NULL DO NOTHING
""")

_STEPS_TRIED = text("""
UPDATE loan l
   SET steps_tried_at = l.delinquent_since,
       steps_tried = CASE WHEN l.delinquent_since IS NULL THEN '{}' ELSE l.steps_tried END
  FROM tape_loan t
 WHERE l.external_id = t.external_id AND l.steps_tried <> '{}' AND l.steps_tried_at IS NULL
""")

_IDS = text("SELECT id FROM loan WHERE external_id = ANY(:loans)")
_LOANS_OF = text("SELECT id FROM loan WHERE borrower_id = ANY(:borrowers)")


@dataclass(frozen=True, slots=True)
class Merged:
    """What one piece of a tape did."""

    changed: tuple[int, ...]
    """The loans that are new or of which it told something new, by id."""
    showing_less: int
    """Those of which it shows less paid than is on record, which was kept."""
    new: frozenset[int]
    """Those of `changed` that were not on the book before."""
    before: Mapping[int, Standing]
    """What was past due of those of `changed` that it told other amounts of."""


def merge(
    connection: Connection,
    cipher: Cipher,
    loans: Sequence[LoanOnTape],
    *,
    as_of: date,
    order: AllocationOrder,
    now: datetime,
) -> Merged:
    """Merge one piece of a tape that stands for `as_of`: payments booked before it are in it."""
    empty_staging(connection)
    stage_loans(connection, loans)
    left_alone = connection.execute(_LEFT_ALONE, {"as_of": as_of}).all()
    for row in left_alone:
        if row.other_currency:
            note_problem(connection, row.id, "currency_changed", OTHER_CURRENCY, now)
    skipped = {row.external_id for row in left_alone}
    told = [each_loan for each_loan in loans if each_loan.external_id not in skipped]
    stage_details(connection, cipher, told)
    changed: set[int] = set()
    borrowers = list(connection.execute(_BORROWERS, {"now": now}).scalars())
    new = list(connection.execute(_NEW).scalars())
    reconciled = _bring_together(connection, told, as_of, order)
    told_anew = {"loans": [*new, *reconciled]}
    before = standings(connection, list(reconciled), now.date())
    changed.update(connection.execute(_LOANS, {"now": now}).scalars())
    changed.update(connection.execute(_INSTALMENTS, told_anew).scalars())
    changed.update(connection.execute(_GONE, told_anew).scalars())
    changed.update(connection.execute(_LOANS_OF, {"borrowers": borrowers}).scalars())
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    fallen = [loan for loan, one in reconciled.items() if one.fallen]
    out = {"as_of": as_of, "fallen": fallen, "not_if": TAPE_SHOWS_LESS}
    connection.execute(_OUT_OF_THE_TAPE, out)
    connection.execute(_NOTE_TOLD, {"not_if": TAPE_SHOWS_LESS})
    return Merged(
        changed=tuple(sorted(changed)),
        showing_less=sum(one.less > ZERO for one in reconciled.values()),
        new=frozenset(connection.execute(_IDS, {"loans": new}).scalars()) if new else frozenset(),
        before=before,
    )


def date_steps_tried(connection: Connection) -> None:
    """Steps the lender tried belong to the arrears with which their loan came in."""
    connection.execute(_STEPS_TRIED)


def date_loans(connection: Connection, as_of: date) -> None:
    """Write which day's tape told of the loans. Last of all, for it touches every one of them."""
    connection.execute(_TOLD, {"as_of": as_of})


def _bring_together(
    connection: Connection, told: Sequence[LoanOnTape], as_of: date, order: AllocationOrder
) -> dict[str, Reconciled]:
    """Bring the staged instalments together with what is on record here.

    Returns the known loans, by external id, of which the tape tells anything new. They are locked,
    and what is on record is read under the lock: no payment can come between.
    """
    known = {row.external_id: row.id for row in connection.execute(_TOLD_ANEW)}
    if not known:
        return {}
    record = read_recorded_payments(connection, list(known.values()), as_of)
    anew = [told_value for told_value in told if told_value.external_id in known]
    reconciled = {
        one.external_id: reconcile(one.instalments, record[known[one.external_id]], as_of, order)
        for one in anew
    }
    replace_all_allocations(
        connection,
        {id: to for one in reconciled.values() for id, to in one.allocations.items()},
    )
    restage_instalments(connection, {loan: one.instalments for loan, one in reconciled.items()})
    stage_problems(
        connection,
        {
            one.external_id: (_shows_less(less, one.currency, as_of),)
            for one in anew
            if (less := reconciled[one.external_id].less)
        },
    )
    return reconciled


def _shows_less(less: Decimal, currency: str, as_of: date) -> Problem:
    detail = (
        f"The tape of {as_of} shows {less:.2f} {currency} less paid than is on record, which "
        "was kept. If the tape is older than that date, bring in a newer one; if money was taken "
        "back, record the reversal of its payment."
    )
    return Problem(TAPE_SHOWS_LESS, detail)
