"""Records of the lender's customers, the persons behind them, and their locks.

The order of locks is: persons by id, their loans by id, contact points by id.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    FromClause,
    Select,
    Table,
    any_,
    case,
    exists,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import array

from domain.events import NotYetError
from domain.persons import OF_LOAN, Link, RenamedRecord
from domain.reasons import ReasonCode
from workers.db.numbers import has_or_had
from workers.db.parties import loans_of
from workers.db.schema import (
    borrower,
    loan,
    person,
    same_person,
)
from workers.db.sender_ids import is_named
from workers.db.typed_rows import typed_row

AFTER_OF_LOAN = len(OF_LOAN) + 1
"""Where the id of the loan begins in the id of a record that was made of it."""

LOCKED_AGAIN = 2
"""How often a record is looked for: once more than usually needed."""


class LockedBorrower(NamedTuple):
    """A customer record whose person is locked until the transaction ends."""

    id: int
    external_id: str
    person_id: int
    zones: list[str]
    name_encrypted: bytes | None
    address_encrypted: bytes | None
    address_point_id: int | None
    locale: str
    erased_at: datetime | None


def may_mean_record(record: FromClause, name: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an event that names somebody may mean this record: by its id, or by that of its loan.

    A record to which the lender gave no id is known as `loan:` and the id of its loan. An event may
    name it by the id of the loan alone, as all events did once. If no record has that id, the event
    may also mean a customer whose tape is still to come. So the event holds back this record and is
    part of its history, but is not applied to it.
    """
    external_id = record.c.external_id
    of_loan = case(
        (func.starts_with(external_id, OF_LOAN), func.substr(external_id, AFTER_OF_LOAN))
    )
    another = borrower.alias()
    known = exists().where(another.c.external_id == name).correlate_except(another)
    is_either: ColumnElement[bool] = name == any_(array([external_id, of_loan]))
    return is_either & ((external_id == name) | ~known)


def lock_borrower(connection: Connection, external_id: str) -> LockedBorrower | None:
    """Lock the person behind a record, and the record; None if it is not known."""
    columns = (borrower.c[name] for name in LockedBorrower._fields)
    locked = _with_person(select(*columns), borrower.c.external_id == external_id)
    return typed_row(LockedBorrower, _lock(connection, locked))


class NamedAnew(NamedTuple):
    """SQL conditions on a record `b` to which somebody gives another name. They are about the
    numbers and the address that come with that name."""

    has_none_of_numbers: str
    """It neither has nor had any of them."""
    has_not_address: str
    is_known_otherwise: str
    """Another record of that name has or had one of the numbers, or has the address."""


def named_anew(*, name: str, numbers: str, address: str) -> NamedAnew:
    """All are SQL, and keyed hashes: `name` and `address` are expressions, and `numbers` is a table
    with the column `blind_index`."""
    with_number = f"""
        SELECT FROM {numbers} given
          JOIN contact_point p ON p.blind_index = given.blind_index
          CROSS JOIN {has_or_had("p.id")} h
    """
    return NamedAnew(
        has_none_of_numbers=f"NOT EXISTS ({with_number} WHERE h.borrower_id = b.id)",
        has_not_address=f"""NOT EXISTS (
            SELECT FROM contact_point p
             WHERE p.id = b.address_point_id AND p.blind_index = {address})""",
        is_known_otherwise=f"""(
            EXISTS ({with_number}
                      JOIN borrower o ON o.id = h.borrower_id
                     WHERE o.id <> b.id AND o.name_digest = {name})
            OR EXISTS (SELECT FROM contact_point p
                         JOIN borrower o ON o.address_point_id = p.id
                        WHERE p.blind_index = {address}
                          AND o.id <> b.id AND o.name_digest = {name}))""",
    )


_IS_NAMED = named_anew(
    name="g.name", numbers="(SELECT g.number AS blind_index)", address="g.address"
)

_GIVEN_NAME = text(f"""
SELECT b.id, b.external_id, b.erased_at IS NOT NULL AS is_erased,
       g.number IS NOT NULL AND {_IS_NAMED.has_none_of_numbers} AS has_other_number,
       g.address IS NOT NULL AND {_IS_NAMED.has_not_address} AS has_other_address,
       {_IS_NAMED.is_known_otherwise} AS is_known_otherwise
  FROM (SELECT CAST(:name AS bytea) AS name, CAST(:number AS bytea) AS number,
               CAST(:address AS bytea) AS address) g
  JOIN borrower b ON b.name_digest <> g.name
 WHERE b.id = :record
""")  # noqa: S608 put together from constants


def is_given_to_another(
    connection: Connection,
    record: int,
    *,
    name: bytes | None,
    number: bytes | None,
    address: bytes | None,
) -> bool:
    """Whether what is said of a record is true of somebody else. Then the name is another, and the
    number or the address was never that of the record, or is on record under the other name.

    All are keyed hashes; None: nothing is said of it.
    """
    given = {"record": record, "name": name, "number": number, "address": address}
    renamed = typed_row(RenamedRecord, connection.execute(_GIVEN_NAME, given))
    return renamed is not None and renamed.is_somebody_else


def record_named(connection: Connection, external_id: str) -> int | None:
    """The id of the record that somebody names; None if it is not known. Nothing is locked."""
    named = select(borrower.c.id).where(borrower.c.external_id == external_id)
    id: int | None = connection.execute(named).scalar()
    return id


def _with_person(records: Select[Any], which: ColumnElement[bool]) -> Select[Any]:
    return (
        records.join(person, person.c.id == borrower.c.person_id)
        .where(which)
        .with_for_update(of=(person, borrower), key_share=True)
    )


def _lock(connection: Connection, locked: Select[Any]) -> CursorResult[Any]:
    """Execute a statement that locks records with their persons; again, if it found none.

    If a record comes to stand for another person while a statement waits for the lock, the
    statement finds neither the former person nor the new one.
    """
    for _ in range(LOCKED_AGAIN):
        result = connection.execute(locked)
        if result.rowcount:
            break
    return result


def lock_known_borrower(connection: Connection, external_id: str, event: str) -> LockedBorrower:
    """Lock the record that an event names, and its person.

    Raises:
        NotYetError: the record is not known yet.
    """
    record = lock_borrower(connection, external_id)
    if record is None:
        raise NotYetError(ReasonCode.BORROWER_NOT_KNOWN, borrower=external_id, event=event)
    return record


def is_erased(connection: Connection, record: LockedBorrower) -> bool:
    """Whether nothing is held of a locked person any more, on whatever record."""
    held = (borrower.c.person_id == record.person_id) & borrower.c.erased_at.is_(None)
    return (
        record.erased_at is not None
        and not connection.execute(select(borrower.c.id).where(held).limit(1)).first()
    )


def lock_person(connection: Connection, borrower_id: int) -> None:
    """Lock the person behind a record, and the record."""
    _lock(connection, _with_person(select(borrower.c.id), borrower.c.id == borrower_id))


def lock_person_of_loan(connection: Connection, external_id: str) -> int | None:
    """Lock the person who borrowed a loan; the id of the record. None if it is not known."""
    record = (
        select(borrower.c.id)
        .select_from(
            person.join(borrower, borrower.c.person_id == person.c.id).join(
                loan, loan.c.borrower_id == borrower.c.id
            )
        )
        .where(loan.c.external_id == external_id)
        .with_for_update(of=(person, borrower), key_share=True)
    )
    locked: int | None = _lock(connection, record).scalar()
    return locked


def lock_payer(connection: Connection, loan_external_id: str, record: str | None) -> None:
    """Lock the person who is to pay a loan: who borrowed it, or who has this `record`. Whoever
    counts what the person owes for all loans must hold this lock, taken before that of a loan."""
    if record is None:
        lock_person_of_loan(connection, loan_external_id)
    else:
        lock_borrower(connection, record)


def lock_person_behind(connection: Connection, table: Table, external_id: str, sender: str) -> None:
    """Lock the person who borrowed the loan that a row of `table` belongs to."""
    of_loan = select(loan.c.borrower_id).join(table, table.c.loan_id == loan.c.id)
    named = of_loan.where(is_named(table, external_id, sender)).scalar_subquery()
    _lock(connection, _with_person(select(borrower.c.id), borrower.c.id == named))


def records_of_person(borrower_id: int) -> Select[tuple[int]]:
    """The ids of all records of the person behind a record, as a query.

    What protects reaches them all; what loosens a limit, only `certain_records`.
    """
    of_person = select(borrower.c.person_id).where(borrower.c.id == borrower_id).scalar_subquery()
    return select(borrower.c.id).where(borrower.c.person_id == of_person)


def certain_records(borrower_id: int) -> Select[tuple[int]]:
    """The ids of the records that are confirmed to stand for one person with a record, and its own,
    as a query."""
    certain = select(borrower.c.id).where(borrower.c.id == borrower_id).cte(recursive=True)
    pair = same_person.c
    joined = (certain.c.id == pair.borrower_id) | (certain.c.id == pair.other_id)
    other = case((pair.other_id == certain.c.id, pair.borrower_id), else_=pair.other_id)
    confirmed = pair.status == Link.CONFIRMED
    linked = select(other).join_from(certain, same_person, joined).where(confirmed)
    return select(certain.union(linked).c.id)


def lock_loans_of_person(connection: Connection, borrower_id: int) -> list[int]:
    """Lock all loans to which the person behind a record is borrower or party; gives their ids."""
    return lock_loans(connection, loan.c.id.in_(loans_of(records_of_person(borrower_id))))


def lock_loans(connection: Connection, which: ColumnElement[bool]) -> list[int]:
    """Lock some loans by id, and give their ids."""
    named = select(loan.c.id).where(which).order_by(loan.c.id)
    loans = named.with_for_update(key_share=True)
    return list(connection.execute(loans).scalars())


def insert_person(connection: Connection, now: datetime) -> int:
    """Make a person, and give its id."""
    made: int = connection.execute(
        insert(person).values(made_at=now).returning(person.c.id)
    ).scalar_one()
    return made
