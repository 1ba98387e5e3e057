"""Facts of persons, of telephone numbers and of addresses: recorded, ended, and their locks.

The order of locks is: persons by id, their loans by id, contact points by id. They come last
because they are often found out under the other locks; whoever holds one waits for nothing but the
next one by id.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    CursorResult,
    FromClause,
    Select,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact, PointKind
from domain.events import NotYetError
from domain.fact_effects import LOOSENING, Effect
from domain.inconvenient import InconvenientTime, Location
from domain.persons import OF_LOAN, Link, PersonFact
from domain.reasons import ReasonCode
from workers.db.parties import loans_of
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    borrower,
    borrower_number,
    contact_point,
    contact_point_fact,
    loan,
    person,
    person_fact,
    representative,
    same_person,
)
from workers.db.typed_rows import typed_row

AFTER_OF_LOAN = len(OF_LOAN) + 1
"""Where the id of the loan begins in the id of a record that was made of it."""

LOCKED_AGAIN = 2
"""How often a record is looked for: once more than usually needed."""


class LockedBorrower(NamedTuple):
    """A customer record whose person is locked until the transaction ends."""

    id: int
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
    name it by the latter alone, as all did once. Where no record has that id, the event may also
    mean a customer whose tape is still to come. So it holds back this record, and it belongs to its
    history, but it is not applied to it.
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

    A statement that waited while a record came to stand for another person finds neither the person
    that it waited for nor the new one.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDetails:
    """What a fact of a person says beside its kind. Two with other details are two facts."""

    channel: Channel | None = None
    """For `no_channel`; for what is inconvenient the only channel, None: all of them."""
    loan_id: int | None = None
    """The only debt that it is about; None: all of them."""
    time: InconvenientTime | None = None
    place: Location | None = None
    number_id: int | None = None
    """The contact point, where that is the place."""
    locale: str | None = None

    def columns(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "loan_id": self.loan_id,
            "times": self.time.stored if self.time else None,
            "place": self.place,
            "contact_point_id": self.number_id,
            "locale": self.locale,
        }


ALONE = FactDetails()
"""Of a fact that says nothing beside its kind."""


def note_person_fact(
    connection: Connection,
    borrower_id: int,
    kind: PersonFact,
    actor: Actor,
    now: datetime,
    details: FactDetails = ALONE,
    *,
    until: datetime | None = None,
) -> bool:
    """Record a fact on a record of a locked person; False if it was known already. The first one
    of its kind stays, and so does each one with other details."""
    return note_person_facts(connection, [borrower_id], kind, actor, now, details, until=until)


def note_person_facts(
    connection: Connection,
    borrower_ids: Collection[int],
    kind: PersonFact,
    actor: Actor,
    now: datetime,
    details: FactDetails = ALONE,
    *,
    until: datetime | None = None,
) -> bool:
    """`note_person_fact` of the records of several locked persons, in one statement; False if it
    was known of all of them."""
    values = {
        "kind": kind,
        **details.columns(),
        "since": now,
        "until": until,
        "source": actor.reference,
        "source_kind": actor.kind,
    }
    columns = person_fact.c
    ids = func.unnest(cast(sorted(borrower_ids), ARRAY(BigInteger)))
    rows = select(ids, *(literal(value, columns[name].type) for name, value in values.items()))
    noted = connection.execute(
        upsert(person_fact).from_select(["borrower_id", *values], rows).on_conflict_do_nothing()
    )
    return noted.rowcount > 0


def end_person_facts(
    connection: Connection,
    borrower_id: int,
    kind: PersonFact,
    actor: Actor,
    now: datetime,
    details: FactDetails = ALONE,
    *,
    effect: Effect,
    said_by: datetime | None = None,
) -> bool:
    """End the facts of a kind on the records of a locked person; False if there were none.

    Only those that were said by then, if `said_by` is given; they end at that moment. A consent
    that is withdrawn before it is known leaves a row that never counted (its `until` is its
    `since`): when the consent comes in after all, it counts no more.

    If it protects the person that they end, that reaches every record; otherwise, only those that
    are confirmed to be one person. With `details`, only what says all of them.
    """
    protects = effect is Effect.PROTECTS
    reached = records_of_person(borrower_id) if protects else certain_records(borrower_id)
    said = {name: value for name, value in details.columns().items() if value is not None}
    ended = connection.execute(
        update(person_fact)
        .where(
            person_fact.c.borrower_id.in_(reached),
            person_fact.c.kind == kind,
            person_fact.c.ended_at.is_(None),
            person_fact.c.since <= (said_by or now),
            *(person_fact.c[name] == value for name, value in said.items()),
        )
        .values(ended_at=said_by or now, ended_by=actor.reference)
        .returning(person_fact.c.id)
    )
    ids = list(ended.scalars())
    if ids and kind is PersonFact.REPRESENTED:
        # Who acted for the person is nobody in particular from now on.
        acting = representative.c.person_fact_id.in_(ids) & representative.c.ended_at.is_(None)
        connection.execute(update(representative).where(acting).values(ended_at=now))
    if not ids and kind in LOOSENING:
        at = said_by or now
        withdrawn = {"borrower_id": borrower_id, "kind": kind, "loan_id": details.loan_id}
        by = {"source": actor.reference, "source_kind": actor.kind, "ended_by": actor.reference}
        connection.execute(
            insert(person_fact).values(**withdrawn, **by, since=at, until=at, ended_at=at)
        )
    return bool(ids)


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
    noted = connection.execute(
        upsert(contact_point_fact)
        .values(
            contact_point_id=number_id,
            kind=kind,
            since=now,
            source=actor.reference,
            source_kind=actor.kind,
        )
        .on_conflict_do_nothing()
    )
    return noted.rowcount > 0


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
        .join(representative, representative.c.person_fact_id == person_fact.c.id)
        .where(
            representative.c.phone_blind_index == blind_index,
            representative.c.ended_at.is_(None),
            person_fact.c.ended_at.is_(None),
        )
    )
    return select(borrower.c.id).where(borrower.c.person_id.in_(persons))


def loans_with_point(connection: Connection, blind_index: bytes) -> list[int]:
    """The loans to which anybody who has a number or an address is borrower or party, and those
    about which somebody is called there who acts for one of them; by id. None of them can be
    removed meanwhile."""
    concerned = union_all(records_with(blind_index), represented_through(blind_index))
    rows = connection.execute(
        select(loan.c.id)
        .where(loan.c.id.in_(loans_of(concerned)))
        .order_by(loan.c.id)
        .with_for_update(of=loan, read=True, key_share=True)
    )
    return list(rows.scalars())


def insert_person(connection: Connection, now: datetime) -> int:
    """Make a person, and give its id."""
    made: int = connection.execute(
        insert(person).values(made_at=now).returning(person.c.id)
    ).scalar_one()
    return made
