"""What representatives ask for: kept with their number, and found by it for whomever they act."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor
from domain.persons import OF_REPRESENTATIVES, PersonFact
from workers.db.contact_points import lock_number, represented_through
from workers.db.last_words import last_said, note_word
from workers.db.parties import acts_now
from workers.db.said_facts import SaidFact
from workers.db.schema import borrower, person_fact, representative, representative_wish


def acting_numbers(
    connection: Connection, borrower_id: int, loan_id: int | None = None
) -> list[bytes]:
    """The numbers, as blind indexes, of those who act for the person behind a record now, newest
    first. If a loan is named: only of those who act about this loan."""
    of_person = select(borrower.c.person_id).where(borrower.c.id == borrower_id).scalar_subquery()
    about = [] if loan_id is None else [_about(loan_id)]
    numbers = (
        select(representative.c.phone_blind_index)
        .join(person_fact, acts_now())
        .join(borrower, borrower.c.id == person_fact.c.borrower_id)
        .where(
            borrower.c.person_id == of_person,
            representative.c.phone_blind_index.is_not(None),
            *about,
        )
        .order_by(representative.c.id.desc())
    )
    return list(connection.execute(numbers).scalars())


def _about(loan_id: int) -> ColumnElement[bool]:
    return person_fact.c.loan_id.is_(None) | (person_fact.c.loan_id == loan_id)


def is_of_representative(connection: Connection, blind_index: bytes) -> bool:
    """Whether somebody has a number who acts for anybody now."""
    return connection.execute(represented_through(blind_index).limit(1)).first() is not None


def wishes_among(
    said: Sequence[SaidFact],
) -> tuple[tuple[SaidFact, ...], tuple[SaidFact, ...]]:
    """What a representative asked for themselves, and what they said of the person."""
    wishes = tuple(each for each in said if each.fact in OF_REPRESENTATIVES)
    return wishes, tuple(each for each in said if each.fact not in OF_REPRESENTATIVES)


def note_wishes(
    connection: Connection,
    blind_index: bytes,
    said: Sequence[SaidFact],
    actor: Actor,
    now: datetime,
) -> bool:
    """Record what a representative asked for at `now`, through their number; False if all of it was
    known, or something later is.

    Another language replaces the one before. A time or a place replaces the same one if that ends
    earlier. The number is locked, last of all.

    Raises:
        RejectedError: it does not say which time, place or language it means.
    """
    noted = False
    if not said:
        return noted
    number = lock_number(connection, blind_index)
    for wish in said:
        wish.check_complete()
        if _is_outdated(connection, number, wish, now):
            continue
        same = [] if wish.fact is PersonFact.LANGUAGE else _same(wish)
        ends = representative_wish.c.until
        shorter = ends.is_not(None) if wish.until is None else ends < wish.until
        if wish.fact is PersonFact.LANGUAGE:
            shorter = representative_wish.c.locale != wish.locale
        _end(connection, number, wish.fact, actor, now, shorter, *same)
        row = {"contact_point_id": number, "kind": wish.fact, **_columns(wish)}
        given = {"since": now, "until": wish.until}
        by = {"source": actor.reference, "source_kind": actor.kind}
        made = insert(representative_wish).values(**row, **given, **by)
        noted |= note_word(connection, representative_wish, made)
    return noted


def end_wishes(
    connection: Connection,
    blind_index: bytes,
    wish: SaidFact,
    actor: Actor,
    now: datetime,
    *,
    said_by: datetime | None = None,
) -> bool:
    """End what a representative asked for; False if there was nothing of it. What `wish` leaves out
    ends with whatever was said of it, by `said_by` if it is given."""
    number = lock_number(connection, blind_index)
    said = [
        representative_wish.c[name] == value
        for name, value in _columns(wish).items()
        if value is not None
    ]
    said.append(last_said(representative_wish) <= (said_by or now))
    return _end(connection, number, wish.fact, actor, said_by or now, *said)


def _is_outdated(connection: Connection, number: int, wish: SaidFact, since: datetime) -> bool:
    """As `workers.db.said_facts.is_outdated` does of what a person said."""
    alone = wish.fact is PersonFact.LANGUAGE
    of_kind = (
        representative_wish.c.contact_point_id == number,
        representative_wish.c.kind == wish.fact,
        *(() if alone else _same(wish)),
    )
    ended_later = representative_wish.c.ended_at > since
    later: ColumnElement[bool] = exists().where(
        *of_kind, (last_said(representative_wish) > since) | ended_later
    )
    if not alone:
        is_open = exists().where(*of_kind, representative_wish.c.ended_at.is_(None))
        later = exists().where(*of_kind, ended_later) & ~is_open
    return bool(connection.execute(select(later)).scalar())


def _columns(wish: SaidFact) -> dict[str, object]:
    return {
        "channel": wish.channel,
        "times": wish.time.stored if wish.time else None,
        "place": wish.place,
        "locale": wish.locale,
    }


def _same(wish: SaidFact) -> list[ColumnElement[bool]]:
    return [
        representative_wish.c[name].is_not_distinct_from(value)
        for name, value in _columns(wish).items()
    ]


def _end(
    connection: Connection,
    number: int,
    fact: PersonFact,
    actor: Actor,
    now: datetime,
    *which: ColumnElement[bool],
) -> bool:
    ended = connection.execute(
        update(representative_wish)
        .where(
            representative_wish.c.contact_point_id == number,
            representative_wish.c.kind == fact,
            representative_wish.c.ended_at.is_(None),
            *which,
        )
        .values(ended_at=now, ended_by=actor.reference)
    )
    return ended.rowcount > 0
