"""Who stands behind a customer record: all records of the person, and what joins or parts them."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, Select, func, select

from domain.errors import ArrearsError
from domain.persons import Link
from domain.reasons import Reasons
from workers.db.schema import borrower, loan, same_person
from workers.db.typed_rows import typed_rows


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A record of the lender's customers that stands for the person."""

    borrower: str
    loans: int


@dataclass(frozen=True, slots=True)
class RecordLink:
    """Two records that are one person, or were parted."""

    borrower: str
    other: str
    status: Link
    reason: Reasons
    since: datetime
    """When it was first seen."""
    decided_at: datetime | None
    actor: str | None
    """The staff reference of who confirmed or parted them."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as the lender's records show them. It has no personal data."""

    records: tuple[PersonRecord, ...]
    links: tuple[RecordLink, ...]


def read_person(connection: Connection, external_id: str, zone: tzinfo) -> PersonView:
    """The person behind a record; moments are in `zone`.

    Raises:
        ArrearsError: the record is not known.
    """
    named = select(borrower.c.person_id).where(borrower.c.external_id == external_id)
    person_id = connection.execute(named).scalar()
    if person_id is None:
        raise ArrearsError(
            f"Borrower {external_id} is not known. Give the lender's own id of the customer; a "
            "borrower without one has loan: and the id of the loan."
        )
    records = connection.execute(
        select(borrower.c.external_id, func.count(loan.c.id))
        .outerjoin(loan, loan.c.borrower_id == borrower.c.id)
        .where(borrower.c.person_id == person_id)
        .group_by(borrower.c.id)
        .order_by(borrower.c.id)
    )
    ids = select(borrower.c.id).where(borrower.c.person_id == person_id)
    of_person = list(connection.execute(ids).scalars())
    links = _links().where(
        same_person.c.borrower_id.in_(of_person) | same_person.c.other_id.in_(of_person)
    )
    return PersonView(
        tuple(PersonRecord(*row) for row in records),
        tuple(typed_rows(RecordLink, connection.execute(links), zone)),
    )


def read_presumed(connection: Connection, zone: tzinfo) -> tuple[RecordLink, ...]:
    """The records that count as one person until somebody confirms or parts them, oldest first."""
    presumed = _links().where(same_person.c.status == Link.PRESUMED)
    return tuple(typed_rows(RecordLink, connection.execute(presumed), zone))


def _links() -> Select[tuple[object, ...]]:
    one, other = borrower.alias("one"), borrower.alias("other")
    return (
        select(
            one.c.external_id.label("borrower"),
            other.c.external_id.label("other"),
            same_person.c.status,
            same_person.c.reason,
            same_person.c.made_at.label("since"),
            same_person.c.decided_at,
            same_person.c.actor,
        )
        .join(one, one.c.id == same_person.c.borrower_id)
        .join(other, other.c.id == same_person.c.other_id)
        .order_by(same_person.c.made_at, same_person.c.borrower_id, same_person.c.other_id)
    )
