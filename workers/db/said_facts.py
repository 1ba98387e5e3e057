"""What a person said of when, where and in which language they want to be contacted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.events import RejectedError
from domain.fact_effects import LOOSENING
from domain.inconvenient import InconvenientTime, Location
from domain.persons import MAY_EXPIRE, ONE_AT_A_TIME, PersonFact
from domain.reasons import ReasonCode
from workers.db.contact_points import lock_number
from workers.db.last_words import last_said
from workers.db.person_facts import FactDetails, note_person_fact
from workers.db.persons import certain_records, records_of_person
from workers.db.schema import borrower, person_fact


@dataclass(frozen=True, slots=True)
class SaidFact:
    """One thing that a person said, in a call, at a visit or in a text."""

    fact: PersonFact
    channel: Channel | None = None
    """Of what is inconvenient: the only channel; None: all of them."""
    time: InconvenientTime | None = None
    """For `inconvenient_time`."""
    place: Location | None = None
    """For `inconvenient_place`."""
    locale: str | None = None
    """For `language`; BCP 47."""
    until: datetime | None = None
    """Aware; of what is inconvenient: from then on it counts no more."""

    def check_complete(self) -> None:
        """Check that it says which time, place or language it means.

        Raises:
            RejectedError: it does not.
        """
        needed = {
            PersonFact.INCONVENIENT_TIME: self.time,
            PersonFact.INCONVENIENT_PLACE: self.place,
            PersonFact.LANGUAGE: self.locale,
        }
        if self.fact in needed and needed[self.fact] is None:
            raise RejectedError(ReasonCode.PERSON_FACT_INCOMPLETE, person_fact=self.fact)

    def details(
        self,
        connection: Connection,
        number: bytes | None,
        address_id: int | None,
        loan_id: int | None = None,
    ) -> FactDetails:
        """What the fact says beside its kind. A number that is the place is locked, last of all.

        Raises:
            RejectedError: a number or an address is the place, and there is none.
        """
        number_id = None
        if self.place is Location.ADDRESS:
            if address_id is None:
                raise RejectedError(ReasonCode.NO_ADDRESS_TO_NAME)
            number_id = address_id
        if self.place is Location.NUMBER:
            if number is None:
                raise RejectedError(ReasonCode.NO_NUMBER_TO_NAME)
            number_id = lock_number(connection, number)
        return FactDetails(
            channel=self.channel,
            loan_id=loan_id,
            time=self.time,
            place=self.place,
            number_id=number_id,
            locale=self.locale,
        )


def note_said_facts(
    connection: Connection,
    records: Sequence[int],
    said: Sequence[SaidFact],
    number: bytes | None,
    actor: Actor,
    now: datetime,
    *,
    said_at: datetime,
    own_word: bool,
) -> None:
    """Record what a person said on these records of locked persons.

    `number` is the blind index of that through which it was said. An address is that of each
    record. What was said later stays, whichever came in first. So does any language if `own_word`
    is False: somebody else may have said it.

    Raises:
        RejectedError: something is missing, or a number or an address is the place and there is
            none.
    """
    if not said:
        return
    known = select(borrower.c.id, borrower.c.address_point_id).where(borrower.c.id.in_(records))
    addresses = {row.id: row.address_point_id for row in connection.execute(known)}
    since = min(said_at, now)
    for fact in said:
        fact.check_complete()
        for record in records:
            is_language = fact.fact is PersonFact.LANGUAGE
            if is_language and not own_word and _has_language(connection, record):
                continue
            details = fact.details(connection, number, addresses[record])
            if not is_outdated(connection, record, fact.fact, since, details):
                replace_person_fact(
                    connection, record, fact.fact, actor, since, details, fact.until
                )


def is_outdated(
    connection: Connection,
    record: int,
    fact: PersonFact,
    since: datetime,
    details: FactDetails,
) -> bool:
    """Whether something later is known of a fact that was said at `since`: it changes nothing then.

    Of a language and a consent, whatever was said later counts, also that it was withdrawn; of a
    consent, on any record of the person. A time and a place last as long as the person said. So of
    them only a later end counts, of the same time or place.
    """
    alone = fact in ONE_AT_A_TIME
    ended_later = person_fact.c.ended_at > since
    of_kind = (
        person_fact.c.borrower_id.in_(certain_records(record)),
        person_fact.c.kind == fact,
        *(() if alone else _same(details)),
    )
    later: ColumnElement[bool] = exists().where(
        *of_kind, (last_said(person_fact) > since) | ended_later
    )
    if fact in LOOSENING:
        # That it was withdrawn protects the person, so it counts on any of their records.
        withdrawn = person_fact.c.borrower_id.in_(records_of_person(record))
        later |= exists().where(withdrawn, person_fact.c.kind == fact, ended_later)
    if not alone:
        is_open = exists().where(*of_kind, person_fact.c.ended_at.is_(None))
        later = exists().where(*of_kind, ended_later) & ~is_open
    return bool(connection.execute(select(later)).scalar())


def replace_person_fact(
    connection: Connection,
    record: int,
    fact: PersonFact,
    actor: Actor,
    now: datetime,
    details: FactDetails,
    until: datetime | None,
) -> bool:
    """Record a fact on a record of a locked person, instead of the one before. False if nothing
    changed: the record has it already.

    A consent or a language replaces whatever was known. A time or a place replaces the same time or
    place only if that ends earlier: what ends later, or never, stays, and only its own end shortens
    it. A consent to more contacts always counts anew, because it is valid for some days from then.
    """
    given = {**details.columns(), "until": until}
    if fact is PersonFact.AGREED_MORE_CONTACTS:
        _end_open(connection, record, fact, actor, now)
    elif fact in ONE_AT_A_TIME:
        differs = or_(
            *(person_fact.c[name].is_distinct_from(value) for name, value in given.items())
        )
        ended = _end_open(connection, record, fact, actor, now, differs)
        noted = note_person_fact(connection, record, fact, actor, now, details, until=until)
        return noted or ended
    elif fact in MAY_EXPIRE:
        # What is about one channel is not the same as what is about all of them.
        ends = person_fact.c.until
        shorter = ends.is_not(None) if until is None else ends < until
        _end_open(connection, record, fact, actor, now, shorter, *_same(details))
    return note_person_fact(connection, record, fact, actor, now, details, until=until)


def _end_open(
    connection: Connection,
    record: int,
    fact: PersonFact,
    actor: Actor,
    now: datetime,
    *which: ColumnElement[bool],
) -> bool:
    """End what is true now of a fact, on the records that are certainly the person's; False if
    nothing is. `which` narrows it down."""
    ended = connection.execute(
        update(person_fact)
        .where(
            person_fact.c.borrower_id.in_(certain_records(record)),
            person_fact.c.kind == fact,
            person_fact.c.ended_at.is_(None),
            *which,
        )
        .values(ended_at=now, ended_by=actor.reference)
    )
    return ended.rowcount > 0


def _same(details: FactDetails) -> list[ColumnElement[bool]]:
    return [
        person_fact.c[name].is_not_distinct_from(value) for name, value in details.columns().items()
    ]


def _has_language(connection: Connection, record: int) -> bool:
    """Whether the person said which language they speak."""
    known = exists().where(
        person_fact.c.borrower_id.in_(certain_records(record)),
        person_fact.c.kind == PersonFact.LANGUAGE,
        person_fact.c.ended_at.is_(None),
    )
    return bool(connection.execute(select(known)).scalar())
