"""Facts of persons: recorded and ended, under the lock of the person."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.fact_effects import LOOSENING, Effect
from domain.inconvenient import InconvenientTime, Location
from domain.persons import PersonFact
from workers.db.last_words import last_said, note_word
from workers.db.persons import certain_records, records_of_person
from workers.db.schema import (
    person_fact,
    representative,
)


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
    """Record a fact on a record of a locked person; False if it was known already. A fact of the
    same kind and details stays, and gets the moment when it was said last."""
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
    ids = func.unnest(cast(sorted(set(borrower_ids)), ARRAY(BigInteger)))
    rows = select(ids, *(literal(value, columns[name].type) for name, value in values.items()))
    facts = upsert(person_fact).from_select(["borrower_id", *values], rows)
    return note_word(connection, person_fact, facts)


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

    Only those that were last said by then, if `said_by` is given; they end at that moment. A
    consent that is withdrawn before it is known leaves a row that never counted (its `until` is its
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
            last_said(person_fact) <= (said_by or now),
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
