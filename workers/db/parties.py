"""Parties of loans, and who acts for a person, in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Join,
    Row,
    Select,
    and_,
    func,
    insert,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.compliance.vocabulary import Party
from domain.persons import PersonFact
from workers.db.bulk import is_one_of
from workers.db.encryption import Cipher
from workers.db.places import Placed, place_of_representative
from workers.db.schema import (
    action,
    borrower,
    loan,
    loan_party,
    loan_party_change,
    person_fact,
    representative,
)


def acts_now(
    fact: FromClause = person_fact, acting: FromClause = representative
) -> ColumnElement[bool]:
    """Whether somebody acts for a person at this moment, for a query of a fact of that person and a
    representative: neither has ended."""
    return and_(
        acting.c.person_fact_id == fact.c.id,
        acting.c.ended_at.is_(None),
        fact.c.ended_at.is_(None),
    )


ACTS_NOW = "q.person_fact_id = f.id AND q.ended_at IS NULL AND f.ended_at IS NULL"
"""The same for a query that is written as text: of `person_fact f` and `representative q`."""


def loans_of(records: Any, *, ever: bool = False) -> Select[tuple[int]]:
    """The ids of the loans to which any of these records is borrower or party now, as a query; or
    `ever` was.

    `records` is a list of ids, or a query of them.
    """
    own = select(loan.c.id.label("id")).where(_is_of(loan.c.borrower_id, records))
    as_party = select(loan_party.c.loan_id).where(_is_of(loan_party.c.borrower_id, records))
    if not ever:
        as_party = as_party.where(loan_party.c.ended_at.is_(None))
    return select(union(own, as_party).subquery().c.id)


def unless_borrower(loan_id: int, record: int | None) -> Any:
    """The record of somebody who said something about a loan, as a value to store: null if it is
    the borrower's, by whatever record of the person."""
    if record is None:
        return None
    named, own = borrower.alias("named"), borrower.alias("own")
    return (
        select(named.c.id)
        .select_from(loan)
        .join(own, own.c.id == loan.c.borrower_id)
        .join(named, named.c.id == record)
        .where(loan.c.id == loan_id, named.c.person_id != own.c.person_id)
        .scalar_subquery()
    )


def who_is_other(
    connection: Connection, loan_ids: Collection[int], records: Collection[int]
) -> dict[tuple[int, int | None], int]:
    """The person behind each record, by loan and record, where it is not the person who borrowed.
    One statement; none without records."""
    if not records:
        return {}
    named, own = borrower.alias("named"), borrower.alias("own")
    found = connection.execute(
        select(loan.c.id.label("loan_id"), named.c.id, named.c.person_id)
        .join(own, own.c.id == loan.c.borrower_id)
        .join(named, named.c.id.in_(records))
        .where(loan.c.id.in_(loan_ids), named.c.person_id != own.c.person_id)
    )
    return {(row.loan_id, row.id): row.person_id for row in found}


def _is_of(column: Column[int], records: Any) -> ColumnElement[bool]:
    return is_one_of(column, records) if isinstance(records, list) else column.in_(records)


def parties_of(connection: Connection, loan_id: int, role: Party) -> dict[str, int]:
    """Who is this to a loan now: the ids of the parties, by the lender's ids of their records."""
    named = (
        select(borrower.c.external_id, loan_party.c.id)
        .join(loan_party, loan_party.c.borrower_id == borrower.c.id)
        .where(
            loan_party.c.loan_id == loan_id,
            loan_party.c.role == role,
            loan_party.c.ended_at.is_(None),
        )
        .order_by(borrower.c.external_id)
    )
    return {row.external_id: row.id for row in connection.execute(named)}


def with_contacted(actions_and_loans: Join) -> Join:
    """Actions and their loans, joined with the record of the person whom each action is for, and
    with the row of the party if that is not the borrower."""
    contacted = borrower.c.id == func.coalesce(loan_party.c.borrower_id, loan.c.borrower_id)
    of_party = actions_and_loans.outerjoin(loan_party, loan_party.c.id == action.c.party_id)
    return of_party.join(borrower, contacted)


def role_of_contacted() -> ColumnElement[str]:
    """The role in its loan of the person whom an action is for, for a query of `with_contacted`."""
    return func.coalesce(loan_party.c.role, str(Party.BORROWER))


def has_other_role(connection: Connection, loan_id: int, person_id: int, role: Party) -> bool:
    """Whether a person is party to a locked loan in another role now, by whatever record."""
    others = (
        select(loan_party.c.id)
        .join(borrower, borrower.c.id == loan_party.c.borrower_id)
        .where(
            loan_party.c.loan_id == loan_id,
            loan_party.c.role != role,
            loan_party.c.ended_at.is_(None),
            borrower.c.person_id == person_id,
        )
        .limit(1)
    )
    return connection.execute(others).first() is not None


def set_party(
    connection: Connection,
    loan_id: int,
    borrower_id: int,
    role: Party,
    actor: Actor,
    now: datetime,
) -> int | None:
    """Make a record party to a locked loan. The id of the row, which is locked; None if the record
    was it already."""
    given = {"loan_id": loan_id, "borrower_id": borrower_id, "role": role, "from_tape": False}
    statement = upsert(loan_party).values(**given)
    made: int | None = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["loan_id", "borrower_id", "role"],
            set_={"ended_at": None, "from_tape": False},
            where=loan_party.c.ended_at.is_not(None),
        ).returning(loan_party.c.id)
    ).scalar()
    if made is not None:
        _note(connection, made, actor, now, is_party=True)
    return made


def end_party(
    connection: Connection,
    loan_id: int,
    borrower_id: int,
    role: Party,
    actor: Actor,
    now: datetime,
) -> int | None:
    """End it for a locked loan. The id of the row; None if the record was no such party."""
    ended: int | None = connection.execute(
        update(loan_party)
        .where(
            loan_party.c.loan_id == loan_id,
            loan_party.c.borrower_id == borrower_id,
            loan_party.c.role == role,
            loan_party.c.ended_at.is_(None),
        )
        .values(ended_at=now, from_tape=False)  # no tape brings them back
        .returning(loan_party.c.id)
    ).scalar()
    if ended is not None:
        _note(connection, ended, actor, now, is_party=False)
    return ended


def _note(
    connection: Connection, party_id: int, actor: Actor, now: datetime, *, is_party: bool
) -> None:
    connection.execute(
        insert(loan_party_change).values(
            loan_party_id=party_id,
            at=now,
            is_party=is_party,
            source=actor.reference,
            source_kind=actor.kind,
        )
    )


def number_of_representative(
    connection: Connection, person_id: int, blind_index: bytes
) -> Placed | None:
    """The encrypted number of somebody who acts, or acted, for a person; None if nobody has it."""
    known = (
        select(
            representative.c.person_fact_id,
            representative.c.since,
            representative.c.phone_encrypted,
        )
        .join(person_fact, person_fact.c.id == representative.c.person_fact_id)
        .join(borrower, borrower.c.id == person_fact.c.borrower_id)
        .where(borrower.c.person_id == person_id, representative.c.phone_blind_index == blind_index)
        .order_by(representative.c.id.desc())
        .limit(1)
    )
    found = connection.execute(known).first()
    if found is None or found.phone_encrypted is None:
        return None
    place = place_of_representative("phone_encrypted", found.person_fact_id, found.since)
    return Placed(found.phone_encrypted, place)


def has_representative(
    connection: Connection,
    cipher: Cipher,
    borrower_id: int,
    loan_id: int | None,
    details: Mapping[str, Any],
) -> bool:
    """Whether exactly this one acts for the person already, about one loan or all.

    What is encrypted in the table is plain text in `details`.
    """
    known = connection.execute(
        select(representative)
        .join(person_fact, acts_now())
        .where(
            person_fact.c.borrower_id == borrower_id,
            person_fact.c.kind == PersonFact.REPRESENTED,
            person_fact.c.loan_id.is_not_distinct_from(loan_id),
        )
    ).first()
    return known is not None and all(
        _plain(cipher, known, name) == value
        if name.endswith("_encrypted")
        else known._mapping[name] == value
        for name, value in details.items()
    )


def has_later_representative(
    connection: Connection, borrower_id: int, loan_id: int | None, since: datetime
) -> bool:
    """Whether somebody was recorded after `since` who acts for the person about the same debts."""
    later = (
        select(representative.c.id)
        .join(person_fact, person_fact.c.id == representative.c.person_fact_id)
        .where(
            person_fact.c.borrower_id == borrower_id,
            person_fact.c.loan_id.is_not_distinct_from(loan_id),
            representative.c.since > since,
        )
        .limit(1)
    )
    return connection.execute(later).first() is not None


def _plain(cipher: Cipher, row: Row[Any], name: str) -> str | None:
    encrypted = row._mapping[name]
    if encrypted is None:
        return None
    return cipher.decrypt(encrypted, place_of_representative(name, row.person_fact_id, row.since))


def set_representative(
    connection: Connection,
    cipher: Cipher,
    borrower_id: int,
    loan_id: int | None,
    details: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Record who acts for a locked person, about one loan or all, in place of who did before.

    The fact that the person is represented is on record. What is encrypted in the table is plain
    text in `details`.
    """
    fact_id = connection.execute(
        select(person_fact.c.id).where(
            person_fact.c.borrower_id == borrower_id,
            person_fact.c.kind == PersonFact.REPRESENTED,
            person_fact.c.loan_id.is_not_distinct_from(loan_id),
            person_fact.c.ended_at.is_(None),
        )
    ).scalar_one()
    of_fact = (representative.c.person_fact_id == fact_id) & representative.c.ended_at.is_(None)
    connection.execute(update(representative).where(of_fact).values(ended_at=now))
    columns = {
        name: cipher.encrypt(value, place_of_representative(name, fact_id, now))
        if value is not None and name.endswith("_encrypted")
        else value
        for name, value in details.items()
    }
    connection.execute(
        insert(representative).values(
            person_fact_id=fact_id, since=now, source=actor.reference, **columns
        )
    )
