"""Telephone numbers and addresses: their locks, their facts, and who has them.

They are locked last, by id, because what is known of them is often found out under the other
locks. Whoever holds one waits for nothing but the next one by id.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    bindparam,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.contact_points import NumberFact, PointKind
from workers.db.last_words import note_word
from workers.db.parties import acts_now, loans_of
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    borrower,
    borrower_number,
    contact_point,
    contact_point_fact,
    loan,
    person_fact,
    representative,
)

_LOCK_NUMBER = prepared(
    select(contact_point.c.id)
    .where(contact_point.c.blind_index == bindparam("number"))
    .with_for_update(key_share=True)
)


def lock_number(
    connection: Connection, blind_index: bytes, kind: PointKind = PointKind.NUMBER
) -> int:
    """Lock a telephone number, and give its id. One that nobody had before is made, of this
    kind."""
    number = {"number": blind_index}
    locked: int | None = connection.execute(_LOCK_NUMBER, number).scalar()
    if locked is not None:
        return locked
    make_numbers(connection, [blind_index], kind)
    made: int = connection.execute(_LOCK_NUMBER, number).scalar_one()
    return made


def make_numbers(
    connection: Connection, blind_indexes: Iterable[bytes], kind: PointKind = PointKind.NUMBER
) -> None:
    """Make the numbers that are not known yet."""
    rows = [{"blind_index": index, "kind": kind} for index in sorted(blind_indexes)]
    if rows:
        connection.execute(upsert(contact_point).on_conflict_do_nothing(), rows)


def note_number_fact(
    connection: Connection, number_id: int, kind: NumberFact, actor: Actor, now: datetime
) -> bool:
    """Record a fact about a locked number; False if it was known already."""
    noted = upsert(contact_point_fact).values(
        contact_point_id=number_id,
        kind=kind,
        since=now,
        source=actor.reference,
        source_kind=actor.kind,
    )
    return note_word(connection, contact_point_fact, noted)


def end_number_facts(
    connection: Connection,
    number_id: int,
    kinds: Collection[NumberFact],
    actor: Actor,
    now: datetime,
    *,
    which: ColumnElement[bool] | None = None,
) -> bool:
    """End facts about a locked number, because a new fact says so; False if there were none.

    `which` narrows down the facts that end.
    """
    ended = (
        update(contact_point_fact)
        .where(
            contact_point_fact.c.contact_point_id == number_id,
            contact_point_fact.c.kind.in_(kinds),
            contact_point_fact.c.ended_at.is_(None),
        )
        .values(ended_at=now, ended_by=actor.reference)
    )
    if which is not None:
        ended = ended.where(which)
    return connection.execute(ended).rowcount > 0


def from_one_of(actors: Collection[Actor]) -> ColumnElement[bool]:
    """Whether a fact about a number came from one of these, for `end_number_facts`."""
    source = tuple_(contact_point_fact.c.source_kind, contact_point_fact.c.source)
    return source.in_([(actor.kind, actor.reference) for actor in actors])


def records_with(blind_index: bytes) -> CompoundSelect[tuple[int]]:
    """The ids of the records that have a number or an address, as a query."""
    point = (
        select(contact_point.c.id).where(contact_point.c.blind_index == blind_index)
    ).scalar_subquery()
    return union_all(
        select(borrower_number.c.borrower_id).where(borrower_number.c.contact_point_id == point),
        select(borrower.c.id).where(borrower.c.address_point_id == point),
    )


def represented_through(blind_index: bytes) -> Select[tuple[int]]:
    """The ids of all records of the persons for whom somebody acts who has a number, as a query."""
    persons = (
        select(borrower.c.person_id)
        .join(person_fact, person_fact.c.borrower_id == borrower.c.id)
        .join(representative, acts_now())
        .where(representative.c.phone_blind_index == blind_index)
    )
    return select(borrower.c.id).where(borrower.c.person_id.in_(persons))


def loans_with_point(connection: Connection, blind_index: bytes) -> list[int]:
    """The ids of the loans for which a number or an address is used: that of a borrower or a party,
    or of a representative of one. None of these loans can be removed meanwhile."""
    concerned = union_all(records_with(blind_index), represented_through(blind_index))
    rows = connection.execute(
        select(loan.c.id)
        .where(loan.c.id.in_(loans_of(concerned)))
        .order_by(loan.c.id)
        .with_for_update(of=loan, read=True, key_share=True)
    )
    return list(rows.scalars())
