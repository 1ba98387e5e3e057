"""A piece of a loan tape goes into the book: new loans in, known ones brought up to date.

Each piece is copied into temporary tables and merged from there by a fixed number of statements.
The same piece twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.loans import Borrower, LoanOnTape
from workers.store.copying import Value, copy_rows
from workers.store.vault import Vault

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
""")

_EMPTY = text("TRUNCATE tape_borrower, tape_loan, tape_instalment, tape_problem")

_BORROWERS = text("""
INSERT INTO borrower (external_id, name_sealed, phone_sealed, phone_digest, address_sealed,
                      facts_digest, zones, locale, region, updated_at)
SELECT DISTINCT ON (external_id) external_id, name_sealed, phone_sealed, phone_digest,
       address_sealed, facts_digest, zones, locale, region, :now
  FROM tape_borrower ORDER BY external_id
ON CONFLICT (external_id) DO UPDATE
   SET name_sealed = excluded.name_sealed, phone_sealed = excluded.phone_sealed,
       phone_digest = excluded.phone_digest, address_sealed = excluded.address_sealed,
       facts_digest = excluded.facts_digest, zones = excluded.zones, locale = excluded.locale,
       region = excluded.region, updated_at = excluded.updated_at
 WHERE borrower.facts_digest <> excluded.facts_digest
RETURNING id
""")

_LOANS = text("""
INSERT INTO loan (external_id, borrower_id, jurisdiction, product, currency, steps_tried,
                  updated_at)
SELECT t.external_id, b.id, t.jurisdiction, t.product, t.currency, t.steps_tried, :now
  FROM tape_loan t JOIN borrower b ON b.external_id = t.borrower
 ORDER BY t.external_id
ON CONFLICT (external_id) DO UPDATE
   SET borrower_id = excluded.borrower_id, jurisdiction = excluded.jurisdiction,
       product = excluded.product, currency = excluded.currency, updated_at = excluded.updated_at
 WHERE (loan.borrower_id, loan.jurisdiction, loan.product, loan.currency)
       IS DISTINCT FROM
       (excluded.borrower_id, excluded.jurisdiction, excluded.product, excluded.currency)
RETURNING id
""")

# What was paid only rises: a payment recorded here since the tape was cut is not undone by it.
_INSTALMENTS = text("""
INSERT INTO instalment AS i (loan_id, due_on, principal, interest, fees,
                             paid_principal, paid_interest, paid_fees)
SELECT l.id, t.due_on, t.principal, t.interest, t.fees,
       t.paid_principal, t.paid_interest, t.paid_fees
  FROM tape_instalment t JOIN loan l ON l.external_id = t.loan
ON CONFLICT (loan_id, due_on) DO UPDATE
   SET principal = excluded.principal, interest = excluded.interest, fees = excluded.fees,
       paid_principal =
           least(excluded.principal, greatest(i.paid_principal, excluded.paid_principal)),
       paid_interest = least(excluded.interest, greatest(i.paid_interest, excluded.paid_interest)),
       paid_fees = least(excluded.fees, greatest(i.paid_fees, excluded.paid_fees))
 WHERE (i.principal, i.interest, i.fees)
       IS DISTINCT FROM (excluded.principal, excluded.interest, excluded.fees)
    OR excluded.paid_principal > i.paid_principal
    OR excluded.paid_interest > i.paid_interest
    OR excluded.paid_fees > i.paid_fees
RETURNING loan_id
""")

_GONE = text("""
DELETE FROM instalment i USING loan l, tape_loan t
 WHERE l.external_id = t.external_id AND i.loan_id = l.id
   AND NOT EXISTS (SELECT FROM tape_instalment k
                    WHERE k.loan = t.external_id AND k.due_on = i.due_on)
RETURNING i.loan_id
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
UPDATE loan l SET steps_tried_at = l.anchor_on
  FROM tape_loan t
 WHERE l.external_id = t.external_id AND l.steps_tried <> '{}' AND l.steps_tried_at IS NULL
""")

_LOANS_OF = text("SELECT id FROM loan WHERE borrower_id = ANY(:borrowers)")


def make_staging(connection: Connection) -> None:
    """Temporary tables for one import, gone with its transaction."""
    connection.execute(_STAGING)


def merge(
    connection: Connection, vault: Vault, loans: Sequence[LoanOnTape], now: datetime
) -> list[int]:
    """Merge one piece of the tape; returns the ids of loans whose facts are new or changed."""
    connection.execute(_EMPTY)
    _stage(connection, vault, loans)
    changed: set[int] = set()
    borrowers = list(connection.execute(_BORROWERS, {"now": now}).scalars())
    changed.update(connection.execute(_LOANS, {"now": now}).scalars())
    changed.update(connection.execute(_INSTALMENTS).scalars())
    changed.update(connection.execute(_GONE).scalars())
    changed.update(connection.execute(_LOANS_OF, {"borrowers": borrowers}).scalars())
    connection.execute(_PROBLEMS, {"now": now, "kinds": list(TAPE_PROBLEMS)})
    return sorted(changed)


def date_steps_tried(connection: Connection) -> None:
    """Steps the lender tried belong to the arrears with which their loan came in."""
    connection.execute(_STEPS_TRIED)


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
