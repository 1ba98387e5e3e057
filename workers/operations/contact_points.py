"""The numbers and the address of a borrower, and what is known of each. No value is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact, PointKind, stopped_by
from domain.permissions import Permission
from workers.access.may_handle import assert_may_read, of_record
from workers.access.permitted import permitted
from workers.borrowers.reply_queue import UNHANDLED
from workers.context import Context
from workers.db.schema import (
    borrower,
    borrower_number,
    contact_point,
    contact_point_fact,
    person_fact,
    reply,
)
from workers.operations.persons import known_record


@dataclass(frozen=True, slots=True)
class KnownOfPoint:
    """What is known of a number or an address, and by which channels nobody uses it therefore."""

    facts: tuple[NumberFact, ...]
    """Whoever has it; and `inconvenient`, if this person said so."""
    closed_to: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class NumberOfBorrower:
    """One of the numbers of a borrower; never the number itself."""

    place: int
    """In the order in which they are tried, from 1."""
    kind: PointKind
    facts: tuple[NumberFact, ...]
    closed_to: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class AddressOfBorrower:
    """The address of a borrower; never the address itself."""

    facts: tuple[NumberFact, ...]
    closed_to: tuple[Channel, ...]


@permitted(Permission.READ_PERSONS)
def read_numbers(
    connection: Connection, ctx: Context, external_id: str
) -> tuple[NumberOfBorrower, ...]:
    """The numbers of a borrower, in order, with what is known of each.

    Raises:
        RefusedError: whoever reads must not handle the person.
        ArrearsError: the borrower is not known.
    """
    assert_may_read(connection, ctx.actor, of_record(external_id))
    return _numbers(connection, external_id)


@permitted(Permission.CHANGE_CONTACTS)
def places_of_numbers(ctx: Context, external_id: str) -> list[int]:
    """The places of the numbers of a borrower, for whoever changes their order.

    Raises:
        RefusedError: whoever asks must not handle the person.
        ArrearsError: the borrower is not known.
    """
    with ctx.engine.connect() as connection:
        assert_may_read(connection, ctx.actor, of_record(external_id))
        return [number.place for number in _numbers(connection, external_id)]


def _numbers(connection: Connection, external_id: str) -> tuple[NumberOfBorrower, ...]:
    record, person_id = known_record(connection, external_id)
    rows = connection.execute(
        select(contact_point.c.id, contact_point.c.kind)
        .join_from(borrower_number, contact_point)
        .where(borrower_number.c.borrower_id == record)
        .order_by(borrower_number.c.position)
    ).all()
    found = []
    for place, row in enumerate(rows, start=1):
        known = _known_of(connection, person_id, row.id, (Channel.SMS, Channel.CALL))
        kind = PointKind(row.kind)
        found.append(NumberOfBorrower(place, kind, known.facts, known.closed_to))
    return tuple(found)


@permitted(Permission.READ_PERSONS)
def read_address(
    connection: Connection, ctx: Context, external_id: str
) -> tuple[AddressOfBorrower, ...]:
    """The address of a borrower, with what is known of it; nothing if there is none.

    Raises:
        RefusedError: whoever reads must not handle the person.
        ArrearsError: the borrower is not known.
    """
    assert_may_read(connection, ctx.actor, of_record(external_id))
    record, person_id = known_record(connection, external_id)
    point = connection.execute(
        select(borrower.c.address_point_id).where(borrower.c.id == record)
    ).scalar()
    if point is None:
        return ()
    known = _known_of(connection, person_id, point, (Channel.VISIT,))
    return (AddressOfBorrower(known.facts, known.closed_to),)


def _known_of(
    connection: Connection, person_id: int, point_id: int, channels: Sequence[Channel]
) -> KnownOfPoint:
    fact = contact_point_fact
    of_everybody = select(fact.c.kind).where(
        fact.c.contact_point_id == point_id, fact.c.ended_at.is_(None)
    )
    facts = [
        NumberFact(kind) for kind in connection.execute(of_everybody.order_by(fact.c.id)).scalars()
    ]
    kind = select(contact_point.c.kind).where(contact_point.c.id == point_id)
    if connection.execute(kind).scalar() == PointKind.EXTENSION:
        facts.append(NumberFact.HAS_EXTENSION)
    waits = UNHANDLED & (reply.c.contact_point_id == point_id)
    if connection.execute(select(reply.c.id).where(waits).limit(1)).first():
        facts.append(NumberFact.UNREAD_REPLY)
    said = connection.execute(
        select(person_fact.c.channel)
        .join(borrower, borrower.c.id == person_fact.c.borrower_id)
        .where(
            borrower.c.person_id == person_id,
            person_fact.c.contact_point_id == point_id,
            person_fact.c.ended_at.is_(None),
            person_fact.c.until.is_(None) | (person_fact.c.until > func.now()),
        )
    ).scalars()
    inconvenient = set(said)
    if inconvenient:
        facts.append(NumberFact.INCONVENIENT)
    closed_to = [
        channel
        for channel in channels
        if stopped_by(frozenset(facts), channel) or inconvenient & {None, channel}
    ]
    return KnownOfPoint(tuple(facts), tuple(closed_to))
