"""The temporary tables into which a batch of loans is copied before it is merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from domain.loans import Borrower, Instalment, LoanOnTape, Problem
from domain.persons import same_person_key
from workers.db.bulk import as_json
from workers.db.copy import Value, copy_rows
from workers.db.encryption import Cipher

_PARTS = (
    *("principal", "interest", "fees", "paid_principal", "paid_interest", "paid_fees"),
    "counts_from",
)

_STAGING = text("""
CREATE TEMP TABLE tape_borrower (
    external_id text, name_encrypted bytea, phone_encrypted bytea, phone_blind_index bytea,
    address_encrypted bytea, identity_digest bytea, facts_digest bytea, zones text[],
    locale text, region text
) ON COMMIT DROP;
CREATE TEMP TABLE tape_loan (
    external_id text, borrower text, jurisdiction text, product text, currency text,
    steps_tried text[]
) ON COMMIT DROP;
CREATE TEMP TABLE tape_instalment (
    loan text, due_on date, principal numeric, interest numeric, fees numeric,
    paid_principal numeric, paid_interest numeric, paid_fees numeric, counts_from date
) ON COMMIT DROP;
CREATE TEMP TABLE tape_problem (loan text, kind text, detail jsonb) ON COMMIT DROP;
CREATE TEMP TABLE tape_person (external_id text, person_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE tape_dated (external_id text) ON COMMIT DROP;
""")

_EMPTY = text("TRUNCATE tape_borrower, tape_person, tape_loan, tape_instalment, tape_problem")

_UNSTAGE = text("DELETE FROM tape_instalment WHERE loan = ANY(:loans)")


def make_staging(connection: Connection) -> None:
    """Create the temporary tables of one import. They are dropped with its transaction."""
    connection.execute(_STAGING)


def empty_staging(connection: Connection) -> None:
    """Empty them for the next batch, except `tape_dated`: the loans of all batches."""
    connection.execute(_EMPTY)


# The rows below have the columns of their table, in the same order.


def stage_loans(connection: Connection, loans: Sequence[LoanOnTape]) -> None:
    """Copy the loans of a batch, without their details."""
    rows = (
        (
            *(loan.external_id, loan.borrower.external_id, loan.jurisdiction),
            *(loan.product, loan.currency, loan.steps_tried),
        )
        for loan in loans
    )
    copy_rows(connection, "tape_loan", rows)


def stage_details(connection: Connection, cipher: Cipher, loans: Sequence[LoanOnTape]) -> None:
    """Copy their borrowers, encrypted, and their instalments and problems."""
    copy_rows(connection, "tape_borrower", (_borrower(cipher, loan.borrower) for loan in loans))
    _stage_instalments(connection, {loan.external_id: loan.instalments for loan in loans})
    stage_problems(connection, {loan.external_id: loan.problems for loan in loans})


def restage_instalments(
    connection: Connection, schedules: Mapping[str, Sequence[Instalment]]
) -> None:
    """Replace the staged instalments of these loans."""
    connection.execute(_UNSTAGE, {"loans": list(schedules)})
    _stage_instalments(connection, schedules)


def _stage_instalments(
    connection: Connection, schedules: Mapping[str, Sequence[Instalment]]
) -> None:
    rows = (
        (loan, instalment.due_on, *(getattr(instalment, part) for part in _PARTS))
        for loan, schedule in schedules.items()
        for instalment in schedule
    )
    copy_rows(connection, "tape_instalment", rows)


def stage_problems(connection: Connection, problems: Mapping[str, Sequence[Problem]]) -> None:
    """Copy problems by the external id of their loan."""
    rows = (
        (loan, found.kind, as_json(found.detail))
        for loan, some in problems.items()
        for found in some
    )
    copy_rows(connection, "tape_problem", rows)


def _borrower(cipher: Cipher, borrower: Borrower) -> tuple[Value, ...]:
    return (
        borrower.external_id,
        cipher.encrypt(borrower.name),
        cipher.encrypt(borrower.phone) if borrower.phone else None,
        cipher.blind_index(borrower.phone) if borrower.phone else None,
        cipher.encrypt(borrower.address) if borrower.address else None,
        _identity(cipher, borrower),
        cipher.blind_index(repr(borrower)),
        borrower.zones,
        borrower.locale,
        borrower.region,
    )


def _identity(cipher: Cipher, borrower: Borrower) -> bytes | None:
    """What two records of one person share; None without a number: a name alone shows nothing."""
    if borrower.phone is None:
        return None
    return cipher.blind_index(same_person_key(borrower.name, borrower.phone))
