"""A piece of a loan tape goes into the book: new loans in, known ones brought up to date.

Each piece is copied into temporary tables and merged from there by a fixed number of statements.
The same piece twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, text

from domain.allocation import AllocationOrder
from domain.loans import Borrower, LoanOnTape
from workers.store.copying import Value, copy_rows
from workers.store.problems import note_problem
from workers.store.relaying import with_payments_since
from workers.store.vault import Vault

OTHER_CURRENCY = "A tape gives the loan in another currency; it was left as it is. Ask the lender."

TAPE_PROBLEMS = ("phone_missing", "phone_invalid", "zone_missing")

_PARTS = ("principal", "interest", "fees", "paid_principal", "paid_interest", "paid_fees")

_STAGING = text("""
CREATE TEMP TABLE tape_borrower (
    external_id text, name_sealed bytea, phone_sealed bytea, phone_digest bytea,
    address_sealed bytea, facts_digest bytea, zones text[], locale text, region text
) ON COMMIT DROP;
CREATE TEMP TABLE tape_loan (
    external_id text, borrower text, jurisdiction text, product text, currency text,
    steps_tried text[]
) ON COMMIT DROP;
CREATE TEMP TABLE tape_instalment (
    loan text, due_on date, principal numeric, interest numeric, fees numeric,
    paid_principal numeric, paid_interest numeric, paid_fees numeric
) ON COMMIT DROP;
CREATE TEMP TABLE tape_problem (loan text, kind text, detail text) ON COMMIT DROP;
CREATE TEMP TABLE tape_told (external_id text) ON COMMIT DROP;
""")

_EMPTY = text("TRUNCATE tape_borrower, tape_loan, tape_instalment, tape_problem")

# A row is taken for an upsert only if it differs: the rest of the book is not even locked.
_BORROWERS = text("""
INSERT INTO borrower (external_id, name_sealed, phone_sealed, phone_digest, address_sealed,
                      facts_digest, zones, locale, region, updated_at)
SELECT DISTINCT ON (t.external_id) t.external_id, t.name_sealed, t.phone_sealed, t.phone_digest,
       t.address_sealed, t.facts_digest, t.zones, t.locale, t.region, :now
  FROM tape_borrower t LEFT JOIN borrower b ON b.external_id = t.external_id
 WHERE b.id IS NULL OR b.facts_digest <> t.facts_digest
 ORDER BY t.external_id, t.facts_digest
ON CONFLICT (external_id) DO UPDATE
   SET name_sealed = excluded.name_sealed, phone_sealed = excluded.phone_sealed,
       phone_digest = excluded.phone_digest, address_sealed = excluded.address_sealed,
       facts_digest = excluded.facts_digest, zones = excluded.zones, locale = excluded.locale,
       region = excluded.region, updated_at = excluded.updated_at
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
 WHERE (k.principal, k.interest, k.fees, k.paid_principal, k.paid_interest, k.paid_fees)
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
 WHERE l.external_id = t.external_id AND i.loan_id = l.id
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

_NOTE_TOLD = text("INSERT INTO tape_told SELECT external_id FROM tape_loan")

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
   SET steps_tried_at = l.anchor_on,
       steps_tried = CASE WHEN l.anchor_on IS NULL THEN '{}' ELSE l.steps_tried END
  FROM tape_loan t
 WHERE l.external_id = t.external_id AND l.steps_tried <> '{}' AND l.steps_tried_at IS NULL
""")

_LOANS_OF = text("SELECT id FROM loan WHERE borrower_id = ANY(:borrowers)")


def make_staging(connection: Connection) -> None:
    """Temporary tables for one import, gone with its transaction."""
    connection.execute(_STAGING)


def merge(
    connection: Connection,
    vault: Vault,
    loans: Sequence[LoanOnTape],
    *,
    as_of: date,
    order: AllocationOrder,
    now: datetime,
) -> list[int]:
    """Merge one piece of a tape that stands for `as_of`; returns the loans it changed, by id."""
    connection.execute(_EMPTY)
    _stage_loans(connection, loans)
    left_alone = connection.execute(_LEFT_ALONE, {"as_of": as_of}).all()
    for row in left_alone:
        if row.other_currency:
            note_problem(connection, row.id, "currency_changed", OTHER_CURRENCY, now)
    skipped = {row.external_id for row in left_alone}
    told = [one for one in loans if one.external_id not in skipped]
    _stage(connection, vault, with_payments_since(connection, told, as_of, order))
    changed: set[int] = set()
    borrowers = list(connection.execute(_BORROWERS, {"now": now}).scalars())
    changed.update(connection.execute(_LOANS, {"now": now}).scalars())
    changed.update(connection.execute(_INSTALMENTS).scalars())
    changed.update(connection.execute(_GONE).scalars())
    changed.update(connection.execute(_LOANS_OF, {"borrowers": borrowers}).scalars())
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    connection.execute(_NOTE_TOLD)
    return sorted(changed)


def date_steps_tried(connection: Connection) -> None:
    """Steps the lender tried belong to the arrears with which their loan came in."""
    connection.execute(_STEPS_TRIED)


def date_loans(connection: Connection, as_of: date) -> None:
    """Write which day's tape told of the loans. Last of all, for it touches every one of them."""
    connection.execute(_TOLD, {"as_of": as_of})


def _stage_loans(connection: Connection, loans: Sequence[LoanOnTape]) -> None:
    copy_rows(
        connection,
        "tape_loan",
        ("external_id", "borrower", "jurisdiction", "product", "currency", "steps_tried"),
        (
            (
                *(loan.external_id, loan.borrower.external_id, loan.jurisdiction),
                *(loan.product, loan.currency, loan.steps_tried),
            )
            for loan in loans
        ),
    )


def _stage(connection: Connection, vault: Vault, loans: Sequence[LoanOnTape]) -> None:
    copy_rows(
        connection,
        "tape_borrower",
        (
            *("external_id", "name_sealed", "phone_sealed", "phone_digest", "address_sealed"),
            *("facts_digest", "zones", "locale", "region"),
        ),
        (_borrower(vault, loan.borrower) for loan in loans),
    )
    copy_rows(
        connection,
        "tape_instalment",
        ("loan", "due_on", *_PARTS),
        (
            (loan.external_id, one.due_on, *(getattr(one, part) for part in _PARTS))
            for loan in loans
            for one in loan.instalments
        ),
    )
    copy_rows(
        connection,
        "tape_problem",
        ("loan", "kind", "detail"),
        ((loan.external_id, p.kind, p.detail) for loan in loans for p in loan.problems),
    )


def _borrower(vault: Vault, borrower: Borrower) -> tuple[Value, ...]:
    return (
        borrower.external_id,
        vault.seal(borrower.name),
        vault.seal(borrower.phone) if borrower.phone else None,
        vault.digest(borrower.phone) if borrower.phone else None,
        vault.seal(borrower.address) if borrower.address else None,
        vault.digest(repr(borrower)),
        borrower.zones,
        borrower.locale,
        borrower.region,
    )
