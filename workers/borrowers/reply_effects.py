"""What follows from a borrower's text: facts of the number, facts of everybody who has it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select, tuple_, update

from domain.actors import BY_TEXT, Actor, ActorKind
from domain.compliance.vocabulary import Channel
from domain.contact_points import NEW_NUMBER_NEEDED, NumberFact
from domain.inbound_texts import ABOUT_SOMETHING_ELSE, Effects, ReplyKind, effects_of
from domain.persons import CONSENTS, PersonFact
from workers.db.bulk import is_one_of
from workers.db.closed_numbers import close_number
from workers.db.contact_points import end_number_facts, from_one_of, note_number_fact
from workers.db.last_words import last_said
from workers.db.people import People
from workers.db.person_facts import FactDetails, note_person_facts
from workers.db.schema import contact_point_fact, person_fact, reply


class AskedAt(NamedTuple):
    """The text from which something follows. A person may read it long after it came."""

    reply: int
    received_at: datetime


def apply_effects(
    connection: Connection,
    effects: Effects,
    *,
    number_id: int,
    blind_index: bytes,
    named: Collection[int],
    actor: Actor,
    now: datetime,
) -> None:
    """Record the facts that follow. The number, and the people of the records, are locked."""
    for fact in sorted(effects.number):
        if fact in NEW_NUMBER_NEEDED:
            close_number(connection, blind_index, fact, actor, now)
        else:
            note_number_fact(connection, number_id, fact, actor, now)
    if effects.ceases:
        note_person_facts(connection, named, PersonFact.CEASED, actor, now)
    if effects.refuses_calls:
        calls = FactDetails(channel=Channel.CALL)
        note_person_facts(connection, named, PersonFact.NO_CHANNEL, actor, now, calls)


def without_what_ended_since(
    connection: Connection, number_id: int, effects: Effects, asked: AskedAt
) -> Effects:
    """The effects of a text that is recorded after a later one. The number is locked.

    A START takes back only what came before it, in whatever order the two are recorded.
    """
    if NumberFact.OPTED_OUT not in effects.number:
        return effects
    if ReplyKind.START not in _kinds_later(connection, number_id, asked):
        return effects
    return replace(effects, number=effects.number - {NumberFact.OPTED_OUT})


def allow_texts_again(
    connection: Connection,
    number_id: int,
    named: Collection[int],
    provider: str,
    actor: Actor,
    now: datetime,
    *,
    asked: AskedAt,
) -> None:
    """End the opt-outs that came by text, and no others: of the number, and of the records that
    have it, as earlier versions kept them. The number and the people are locked.

    The text `asked` for it, perhaps long ago: an opt-out that came after it stays.
    """
    if NumberFact.OPTED_OUT in _asked_later(connection, number_id, asked).number:
        return
    # If the provider refused a number as opted out, it knew that from a text too.
    by_text = (BY_TEXT, Actor(provider, ActorKind.PROVIDER))
    opted_out = {NumberFact.OPTED_OUT}
    older = last_said(contact_point_fact) <= asked.received_at
    end_number_facts(
        connection, number_id, opted_out, actor, now, which=from_one_of(by_text) & older
    )
    connection.execute(
        update(person_fact)
        .where(
            is_one_of(person_fact.c.borrower_id, named),
            person_fact.c.kind == PersonFact.NO_CHANNEL,
            person_fact.c.channel == Channel.SMS,
            last_said(person_fact) <= asked.received_at,
            person_fact.c.ended_at.is_(None),
            _is_from(*by_text),
        )
        .values(ended_at=now, ended_by=actor.reference)
    )


def end_consents(connection: Connection, people: People, actor: Actor, now: datetime) -> None:
    """End whatever everybody who has the number agreed to, on every record of theirs."""
    consents = (person_fact.c.kind.in_(CONSENTS), person_fact.c.ended_at.is_(None))
    connection.execute(
        update(person_fact)
        .where(is_one_of(person_fact.c.borrower_id, people.records), *consents)
        .values(ended_at=now, ended_by=actor.reference)
    )


def end_misread(
    connection: Connection,
    effects: Effects,
    *,
    asked: AskedAt,
    number_id: int,
    people: People,
    actor: Actor,
    now: datetime,
) -> None:
    """End the facts that the machine recorded for a text, and that do not follow from it.

    A fact of the same kind that was known before the text is another one, and stays. So does one
    that a later text asked for again.
    """
    later = _asked_later(connection, number_id, asked)
    misread = {NumberFact.OPTED_OUT, NumberFact.SOMEBODY_ELSE, NumberFact.REFUSED}
    misread -= effects.number | later.number
    of_text = (contact_point_fact.c.since == asked.received_at) & from_one_of((BY_TEXT,))
    end_number_facts(connection, number_id, misread, actor, now, which=of_text)
    kinds = [PersonFact.NO_CHANNEL] if not (effects.refuses_calls or later.refuses_calls) else []
    kinds += [PersonFact.CEASED] if not (effects.ceases or later.ceases) else []
    connection.execute(
        update(person_fact)
        .where(
            is_one_of(person_fact.c.borrower_id, people.records),
            person_fact.c.kind.in_(kinds),
            person_fact.c.since == asked.received_at,
            person_fact.c.ended_at.is_(None),
            _is_from(BY_TEXT),
        )
        .values(ended_at=now, ended_by=actor.reference)
    )


def _asked_later(connection: Connection, number_id: int, asked: AskedAt) -> Effects:
    """What follows from the texts that came from this number later."""
    return effects_of(_kinds_later(connection, number_id, asked), number_is_known=True)


def _kinds_later(connection: Connection, number_id: int, asked: AskedAt) -> set[str]:
    """The kinds of the texts that came from this number later.

    If a person has said what a text means, that counts instead of the reading of the machine; if
    the person said that it is about something else, both count. Of texts that came at one moment,
    the order on record decides.
    """
    came_at = reply.c.received_at
    is_later = (came_at > asked.received_at) | (
        (came_at == asked.received_at) & (reply.c.id > asked.reply)
    )
    texts = connection.execute(
        select(reply.c.kind, reply.c.meaning).where(
            reply.c.contact_point_id == number_id, reply.c.id != asked.reply, is_later
        )
    ).all()
    kinds: set[str] = {text.meaning for text in texts if text.meaning}
    kinds |= {
        text.kind for text in texts if not text.meaning or text.meaning in ABOUT_SOMETHING_ELSE
    }
    return kinds


def _is_from(*actors: Actor) -> ColumnElement[bool]:
    source = tuple_(person_fact.c.source_kind, person_fact.c.source)
    return source.in_([(actor.kind, actor.reference) for actor in actors])
