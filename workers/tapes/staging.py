"""The temporary tables into which a batch of loans is copied before it is merged."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, text

from domain.loans import Borrower, Instalment, LoanOnTape, Problem
from workers.db.bulk import as_json
from workers.db.copy import Value, copy_rows
from workers.db.encryption import Cipher
from workers.db.numbers import address_index, kind_of
from workers.db.same_person import name_digest

_PARTS = (
    *("principal", "interest", "fees", "paid_principal", "paid_interest", "paid_fees"),
    "counts_from",
)

FIELDS = ("name", "phone", "address", "zones", "locale", "region")
"""What a tape says of a borrower. Each is compared with what the tape before it said."""

MORE_NUMBERS = ("phone_2", "phone_3")
"""Likewise, but only where the tape has them: most have one number."""

DIGEST_LENGTH = 32
"""Hexadecimal digits that are kept: 128 bits tell any two values apart."""

_STAGING = text("""
CREATE TEMP TABLE tape_borrower (
    external_id text, name_encrypted bytea, name_digest bytea, address_encrypted bytea,
    address_blind_index bytea, digests jsonb, zones text[], locale text, region text,
    of_party boolean
) ON COMMIT DROP;
CREATE TEMP TABLE tape_number (
    borrower text, field smallint, number_encrypted bytea, blind_index bytea, kind text
) ON COMMIT DROP;
CREATE TEMP TABLE tape_changed_number (
    borrower_id bigint, external_id text, field smallint, position smallint
) ON COMMIT DROP;
CREATE TEMP TABLE tape_borrower_before (external_id text PRIMARY KEY, of_party boolean)
    ON COMMIT DROP;
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
CREATE TEMP TABLE tape_party (loan text, borrower text, role text) ON COMMIT DROP;
CREATE TEMP TABLE tape_dated (external_id text) ON COMMIT DROP;
""")

_EMPTY = text(
    "TRUNCATE tape_borrower, tape_number, tape_changed_number, tape_person, tape_loan, "
    "tape_instalment, tape_problem, tape_party"
)

# Of several rows with one customer id the first one counts, in the whole tape: importing the tape
# again must change nothing. A row of their own counts also after cells of a party, which say less.
_FIRST_COUNTS = text("""
WITH first AS (
    INSERT INTO tape_borrower_before AS b SELECT external_id, of_party FROM tape_borrower
    ON CONFLICT (external_id) DO UPDATE SET of_party = false
     WHERE b.of_party AND NOT excluded.of_party
    RETURNING external_id
)
DELETE FROM tape_borrower t
 WHERE NOT EXISTS (SELECT FROM first f WHERE f.external_id = t.external_id)
""")

# The cells of a party say less than a row of their own. Of what they do not say, the last word of a
# tape counts.
_UNSAID = text("""
UPDATE tape_borrower t SET digests = b.tape_digests || t.digests
  FROM borrower b
 WHERE b.external_id = t.external_id AND t.of_party
""")

_UNSTAGE = text("DELETE FROM tape_instalment WHERE loan = ANY(:loans)")


def make_staging(connection: Connection) -> None:
    """Create the temporary tables of one import. They are dropped with its transaction."""
    connection.execute(_STAGING)


def empty_staging(connection: Connection) -> None:
    """Empty them for the next batch, except `tape_dated` and `tape_borrower_before`: the loans and
    the borrowers of all batches."""
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
    first = {loan.borrower.external_id: loan.borrower for loan in reversed(loans)}
    said = dict[str, frozenset[str]]()
    for party in (party for loan in loans for party in loan.parties or ()):
        if first.setdefault(party.record.external_id, party.record) is party.record:
            said[party.record.external_id] = party.said
    parties = [
        (loan.external_id, party.record.external_id, party.role)
        for loan in loans
        for party in loan.parties or ()
    ]
    if parties:
        copy_rows(connection, "tape_party", parties)
    staged = (_borrower(cipher, each, said.get(each.external_id)) for each in first.values())
    copy_rows(connection, "tape_borrower", staged)
    copy_rows(connection, "tape_number", _numbers(cipher, first.values()))
    connection.execute(_FIRST_COUNTS)
    if said:
        connection.execute(_UNSAID)
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


def _borrower(
    cipher: Cipher, borrower: Borrower, of_party: frozenset[str] | None
) -> tuple[Value, ...]:
    """A row of `tape_borrower`; `of_party` are the fields of which the cells of a party speak."""
    said = [(of, value) for of, value in _said(borrower) if of_party is None or of in of_party]
    return (
        borrower.external_id,
        cipher.encrypt(borrower.name),
        name_digest(cipher, borrower.name),
        cipher.encrypt(borrower.address) if borrower.address else None,
        address_index(cipher, borrower.address) if borrower.address else None,
        json.dumps({field: _digest(cipher, field, value) for field, value in said}),
        borrower.zones,
        borrower.locale,
        borrower.region,
        of_party is not None,
    )


def _said(borrower: Borrower) -> Iterator[tuple[str, object]]:
    yield from ((field, getattr(borrower, field)) for field in FIELDS)
    for field in MORE_NUMBERS:
        if (number := getattr(borrower, field)) is not None:
            yield field, number


def _numbers(cipher: Cipher, borrowers: Iterable[Borrower]) -> Iterator[tuple[Value, ...]]:
    for borrower in borrowers:
        for field, number in borrower.numbers:
            hashed = cipher.blind_index(number)
            yield borrower.external_id, field, cipher.encrypt(number), hashed, kind_of(number)


def _digest(cipher: Cipher, field: str, value: object) -> str:
    return cipher.blind_index(f"{field} on a tape\n{value!r}").hex()[:DIGEST_LENGTH]
