"""Who stands behind a customer record: all records of the person, and what joins or parts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Select, func, select

from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError, RefusedError
from domain.events import NotAppliedError
from domain.language.speak import speak
from domain.parties import RepresentativeKind
from domain.permissions import Permission
from domain.persons import PersonFact
from domain.reasons import Reasons
from workers.access.may_handle import assert_may_read, of_record
from workers.access.permitted import permitted
from workers.borrowers.same_person import SamePersonDecision, decide_same_person
from workers.context import Context
from workers.db.parties import acts_now
from workers.db.schema import (
    borrower,
    borrower_number,
    contact_point,
    loan,
    loan_party,
    person_fact,
    representative,
    representative_wish,
    same_person,
)
from workers.db.typed_rows import typed_rows
from workers.operations.record_links import RecordLink, links


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A record of the lender's customers that stands for the person."""

    borrower: str
    loans: int


@dataclass(frozen=True, slots=True)
class PartyOf:
    """A loan to which the person is party, and is not its borrower."""

    loan: str
    role: Party
    borrower: str
    """The person's own record."""


@dataclass(frozen=True, slots=True)
class ActsFor:
    """Who acts for the person. Their name, number and address are not shown."""

    kind: RepresentativeKind
    loan: str | None
    """The only loan that it is about; None: all of them."""
    contacted: bool
    since: datetime
    wishes: tuple[str, ...] = ()
    """What they asked for themselves: days and hours, places, a language."""


@dataclass(frozen=True, slots=True)
class KnownFact:
    """What is true of the person now, as somebody said it."""

    borrower: str
    """The record on which it came in."""
    fact: PersonFact
    details: tuple[str, ...]
    """Which channel, loan, days and hours, place or language."""
    since: datetime
    until: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as the lender's records show them. It has no personal data."""

    records: tuple[PersonRecord, ...]
    links: tuple[RecordLink, ...]
    party_of: tuple[PartyOf, ...]
    represented_by: tuple[ActsFor, ...]
    facts: tuple[KnownFact, ...]


@permitted(Permission.READ_PERSONS)
def read_person(connection: Connection, external_id: str, ctx: Context) -> PersonView:
    """The person behind a record; moments are in the lender's zone.

    Raises:
        RefusedError: whoever reads must not handle the person.
        ArrearsError: the record is not known.
    """
    assert_may_read(connection, ctx.actor, of_record(external_id))
    named = select(borrower.c.person_id).where(borrower.c.external_id == external_id)
    person_id = connection.execute(named).scalar()
    if person_id is None:
        raise ArrearsError(
            "Borrower {external_id} is not known. Give the lender's own id of the "
            "customer; a borrower without one has loan: and the id of the loan.",
            external_id=external_id,
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
    pairs = links().where(
        same_person.c.borrower_id.in_(of_person) | same_person.c.other_id.in_(of_person)
    )
    return PersonView(
        tuple(PersonRecord(*row) for row in records),
        tuple(typed_rows(RecordLink, connection.execute(pairs), ctx.settings.lender_zone)),
        tuple(typed_rows(PartyOf, connection.execute(_party_of(of_person)))),
        _acting_for(connection, of_person, ctx.settings.lender_zone),
        _known_facts(connection, of_person, ctx.settings.lender_zone),
    )


def _known_facts(
    connection: Connection, records: Sequence[int], zone: tzinfo
) -> tuple[KnownFact, ...]:
    other = borrower_number.alias("other")
    place = (
        select(func.count())
        .select_from(borrower_number)
        .join(
            other,
            (other.c.borrower_id == borrower_number.c.borrower_id)
            & (other.c.position <= borrower_number.c.position),
        )
        .where(
            borrower_number.c.borrower_id == person_fact.c.borrower_id,
            borrower_number.c.contact_point_id == person_fact.c.contact_point_id,
        )
        .correlate(person_fact)
    )
    rows = connection.execute(
        select(
            person_fact,
            borrower.c.external_id.label("borrower"),
            loan.c.external_id.label("loan"),
            place.scalar_subquery().label("number_place"),
        )
        .join(borrower, borrower.c.id == person_fact.c.borrower_id)
        .outerjoin(loan, loan.c.id == person_fact.c.loan_id)
        .where(person_fact.c.borrower_id.in_(records), person_fact.c.ended_at.is_(None))
        .order_by(person_fact.c.id)
    )
    return tuple(
        KnownFact(
            row.borrower,
            PersonFact(row.kind),
            tuple(
                filter(
                    None,
                    (row.loan, row.channel, _hours(row.times), _place(row), row.locale),
                )
            ),
            row.since.astimezone(zone),
            row.until and row.until.astimezone(zone),
            row.source,
        )
        for row in rows
    )


def _place(row: Any) -> str | None:
    """The place; of a number, with its place among those of the record, if it still has it."""
    return f"{row.place} {row.number_place}" if row.number_place else row.place


def _hours(times: Mapping[str, Any] | None) -> str | None:
    return f"{' '.join(times['days'])} {times['starts']}-{times['ends']}" if times else None


def _party_of(records: Sequence[int]) -> Select[tuple[object, ...]]:
    return (
        select(
            loan.c.external_id.label("loan"),
            loan_party.c.role,
            borrower.c.external_id.label("borrower"),
        )
        .join(loan, loan.c.id == loan_party.c.loan_id)
        .join(borrower, borrower.c.id == loan_party.c.borrower_id)
        .where(loan_party.c.borrower_id.in_(records), loan_party.c.ended_at.is_(None))
        .order_by(loan.c.id, loan_party.c.id)
    )


def _acting_for(
    connection: Connection, records: Sequence[int], zone: tzinfo
) -> tuple[ActsFor, ...]:
    wish = representative_wish.c
    said = func.jsonb_build_object(
        *(x for name in ("id", "times", "place", "locale", "channel") for x in (name, wish[name]))
    )
    wishes = (
        select(func.jsonb_agg(said))
        .select_from(representative_wish)
        .join(contact_point, contact_point.c.id == wish.contact_point_id)
        .where(
            contact_point.c.blind_index == representative.c.phone_blind_index,
            wish.ended_at.is_(None),
        )
        .correlate(representative)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            representative.c.kind,
            loan.c.external_id.label("loan"),
            representative.c.contacted,
            representative.c.since,
            wishes.label("wishes"),
        )
        .join(person_fact, acts_now())
        .outerjoin(loan, loan.c.id == person_fact.c.loan_id)
        .where(person_fact.c.borrower_id.in_(records))
        .order_by(representative.c.id)
    )
    return tuple(
        ActsFor(
            RepresentativeKind(row.kind),
            row.loan,
            row.contacted,
            row.since.astimezone(zone),
            tuple(
                " ".join(filter(None, (_hours(w["times"]), w["place"], w["locale"], w["channel"])))
                for w in sorted(row.wishes or (), key=lambda w: w["id"])
            ),
        )
        for row in rows
    )


@permitted(Permission.JOIN_PERSONS)
def are_linked(ctx: Context, borrower_id: str, other_id: str) -> bool:
    """Whether something says of two records that they are one person, or two.

    Raises:
        ArrearsError: the first record is not known.
    """
    with ctx.engine.connect() as connection:
        links = read_person(connection, borrower_id, ctx).links
    return any({link.borrower, link.other} == {borrower_id, other_id} for link in links)


@permitted(Permission.JOIN_PERSONS)
def would_decide(ctx: Context, decision: SamePersonDecision) -> Reasons:
    """What a decision about two records would do. Nothing is changed.

    Raises:
        ArrearsError: it could not be applied.
    """
    with ctx.engine.connect() as connection:
        try:
            return decide_same_person(connection, ctx, decision)
        except NotAppliedError as error:
            raise RefusedError(speak(error.reason), error.reason) from None
        finally:
            connection.rollback()


def assert_known(connection: Connection, external_id: str) -> None:
    """Check that a record is known by this id.

    Raises:
        ArrearsError: it is not.
    """
    known_record(connection, external_id)


def known_record(connection: Connection, external_id: str) -> tuple[int, int]:
    """The ids of a record and of its person.

    Raises:
        ArrearsError: the record is not known.
    """
    named = select(borrower.c.id, borrower.c.person_id)
    record = connection.execute(named.where(borrower.c.external_id == external_id)).first()
    if record is None:
        raise ArrearsError("Borrower {external_id} is not known.", external_id=external_id)
    return record.id, record.person_id
