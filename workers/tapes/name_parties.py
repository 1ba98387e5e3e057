"""Finds the records of parties to whom the lender gave no id: a record follows the name.

A row knows such a party by the columns in which it stands, and a later tape may have it in others.
What protects somebody must not go over to whoever stands there now.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.persons import borrower_of_loan
from workers.db.encryption import Cipher
from workers.tapes.rebind import rebind_staged

# Only of loans where somebody has another name than the record of these columns.
_UNLIKE = text("""
WITH given AS (
    SELECT t.loan, t.slot, t.borrower, s.name_digest, s.address_blind_index,
           s.address_encrypted IS NOT NULL AS has_address,
           s.digests ->> 'phone' AS phone, s.digests ->> 'address' AS address
      FROM tape_party t JOIN tape_borrower s ON s.external_id = t.borrower
     WHERE starts_with(t.borrower, 'loan:')
), known AS (
    SELECT DISTINCT l.external_id AS loan, b.id, b.external_id, b.name_digest,
           b.address_point_id, b.tape_digests ->> 'phone' AS phone,
           b.tape_digests ->> 'address' AS address
      FROM (SELECT DISTINCT loan FROM given) g
      JOIN loan l ON l.external_id = g.loan
      JOIN loan_party q ON q.loan_id = l.id
      JOIN borrower b ON b.id = q.borrower_id
     WHERE starts_with(b.external_id, 'loan:')
), unlike AS (
    SELECT DISTINCT g.loan
      FROM given g
     WHERE NOT EXISTS (SELECT FROM known k
                        WHERE k.external_id = g.borrower AND k.name_digest = g.name_digest)
)
SELECT g.loan, g.slot, g.borrower, k.external_id AS record,
       coalesce(k.name_digest = g.name_digest, false) AS has_name,
       k.name_digest IS NULL AS is_erased,
       coalesce(g.has_address AND g.address = k.address, false)
       OR EXISTS (SELECT FROM contact_point p
                   WHERE p.id = k.address_point_id AND p.blind_index = g.address_blind_index)
       OR EXISTS (SELECT FROM tape_number t
                   WHERE t.borrower = g.borrower
                     AND (g.phone = k.phone
                          OR EXISTS (SELECT FROM contact_point p
                                      JOIN borrower_number n ON n.contact_point_id = p.id
                                     WHERE p.blind_index = t.blind_index
                                       AND n.borrower_id = k.id))) AS is_reached_there
  FROM unlike u
  JOIN given g ON g.loan = u.loan
  JOIN known k ON k.loan = u.loan
 ORDER BY g.loan, g.slot, k.id
""")

_RENAME = """
UPDATE {table} t SET {column} = r.record
  FROM unnest(CAST(:ids AS text[]), CAST(:records AS text[])) r (id, record)
 WHERE t.{column} = r.id
"""
_RENAMES = [
    text(_RENAME.format(table=table, column=column))
    for table, column in (
        ("tape_party", "borrower"),
        ("tape_borrower", "external_id"),
        ("tape_number", "borrower"),
    )
]


class _Pair(NamedTuple):
    """A party without an id on the tape, and one of the records of such parties of the loan."""

    loan: str
    slot: str
    id: str
    """What the row calls the party: the id of the record that these columns had first."""
    record: str
    has_name: bool
    is_erased: bool
    is_reached_there: bool
    """Whether both have a number or the address."""


def name_parties(connection: Connection, cipher: Cipher) -> None:
    """Find the record of each staged party that has no id, among the records of the same loan.

    It is the record with the same name. If no record has the name, it is the record with the same
    number or address, or a record that is erased. Otherwise the party gets a new record.
    """
    by_loan = defaultdict[str, list[_Pair]](list)
    for row in connection.execute(_UNLIKE):
        by_loan[row.loan].append(_Pair(*row))
    renamed: dict[str, str] = {}
    for pairs in by_loan.values():
        renamed.update((id, to) for id, to in _records_of(pairs).items() if id != to)
    if renamed:
        names = {"ids": list(renamed), "records": list(renamed.values())}
        rebind_staged(connection, cipher, renamed)
        for rename in _RENAMES:
            connection.execute(rename, names)


def _records_of(pairs: Sequence[_Pair]) -> dict[str, str]:
    """The record of each party of one loan."""
    found: dict[str, str] = {}

    def take(some: Collection[_Pair]) -> None:
        # Whoever stands where they stood comes first.
        for pair in sorted(some, key=lambda pair: pair.id != pair.record):
            if pair.id not in found and pair.record not in found.values():
                found[pair.id] = pair.record

    take([pair for pair in pairs if pair.has_name])
    take([pair for pair in pairs if pair.is_reached_there])
    take([pair for pair in pairs if pair.is_erased])
    known = {pair.record for pair in pairs}
    for loan, slot, id in dict.fromkeys((pair.loan, pair.slot, pair.id) for pair in pairs):
        if id not in found:
            found[id] = _free_id(loan, slot, known | set(found.values()))
    return found


def _free_id(loan: str, slot: str, taken: Collection[str]) -> str:
    id, count = borrower_of_loan(f"{slot}:{loan}"), 1
    while id in taken:
        count += 1
        id = borrower_of_loan(f"{slot}_{count}:{loan}")
    return id
