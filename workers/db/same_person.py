"""Which of the lender's customer records stand for one person: links between them, and persons.

A person is all records that links join. So whoever changes a link makes the persons anew, under the
locks of all persons concerned. A person whom no record stands for any more is left: its row says
nothing about anybody, and whoever waits for its lock finds it.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.persons import Link, groups
from domain.reasons import ReasonCode, because
from workers.db.people import lock_all
from workers.db.persons import insert_person
from workers.db.schema import same_person, same_person_change

_PERSONS_OF = text("SELECT DISTINCT person_id FROM borrower WHERE id = ANY(:records)")
_RECORDS = text("SELECT id, person_id FROM borrower WHERE person_id = ANY(:persons)")
_LINKS = text("""
SELECT borrower_id, other_id FROM same_person
 WHERE status <> 'parted' AND (borrower_id = ANY(:records) OR other_id = ANY(:records))
""")
_SET_PERSONS = text("""
UPDATE borrower b SET person_id = g.person_id
  FROM unnest(CAST(:records AS bigint[]), CAST(:persons AS bigint[])) g (id, person_id)
 WHERE b.id = g.id
""")

_BRINGS_FACTS = text("""
SELECT EXISTS (SELECT FROM hold WHERE borrower_id = ANY(:records))
    OR EXISTS (SELECT FROM person_fact WHERE borrower_id = ANY(:records))
""")


def lock_persons(connection: Connection, records: Collection[int]) -> list[int]:
    """Lock the persons whom records stand for, by id; returns their ids."""
    locked: set[int] = set()
    while True:
        persons = connection.execute(_PERSONS_OF, {"records": list(records)}).scalars().all()
        if locked.issuperset(persons):
            return sorted(locked)
        lock_all(connection, persons)
        locked.update(persons)


def make_persons(connection: Connection, records: Collection[int], now: datetime) -> frozenset[int]:
    """Make the persons of these records anew, from the links as they are now.

    Locks all persons concerned. Returns the records whose facts may have changed: the records that
    stand for another person now and, if they bring facts, all records of both persons.
    """
    if not records:
        return frozenset()
    persons = lock_persons(connection, records)
    found = connection.execute(_RECORDS, {"persons": persons})
    before = {row.id: row.person_id for row in found}
    changed: dict[int, int] = {}
    for group, kept in groups(before, links_of(connection, before)):
        person_id = insert_person(connection, now) if kept is None else kept
        changed |= {id: person_id for id in group if before[id] != person_id}
    if not changed:
        return frozenset()
    values = {"records": list(changed), "persons": list(changed.values())}
    connection.execute(_SET_PERSONS, values)
    brings_facts = connection.execute(_BRINGS_FACTS, {"records": list(changed)}).scalar_one()
    return frozenset(before if brings_facts else changed)


def links_of(connection: Connection, records: Collection[int]) -> list[tuple[int, int]]:
    """The links that join any of these records with another."""
    rows = connection.execute(_LINKS, {"records": list(records)})
    return [(row.borrower_id, row.other_id) for row in rows]


_GIVEN_ANEW = text("""
SELECT s.borrower_id, s.other_id
  FROM unnest(CAST(:one AS bigint[]), CAST(:other AS bigint[])) p (one, other)
  JOIN same_person s ON s.borrower_id = least(p.one, p.other)
                    AND s.other_id = greatest(p.one, p.other)
 WHERE s.status = 'presumed' AND jsonb_exists(s.reason -> 0, 'id_given_anew')
   AND s.made_at <= :since
 ORDER BY 1, 2 LIMIT 1
""")


def given_anew_among(
    connection: Connection, links: Collection[tuple[int, int]], since: datetime
) -> tuple[int, int] | None:
    """The first of these links that is only presumed because a tape gave an id to somebody else
    until `since`; None if none is."""
    pairs = {"one": [one for one, _ in links], "other": [other for _, other in links]}
    presumed = connection.execute(_GIVEN_ANEW, {**pairs, "since": since}).first()
    return None if presumed is None else (presumed.borrower_id, presumed.other_id)


def keep_decided(connection: Connection, pair: tuple[int, int], since: datetime) -> None:
    """Record that somebody has taken the same decision again, and when, so that an older decision
    that comes later is outdated. The persons of the two records are locked."""
    first, second = sorted(pair)
    connection.execute(
        update(same_person)
        .where(same_person.c.borrower_id == first, same_person.c.other_id == second)
        .values(decided_at=func.greatest(same_person.c.decided_at, since))
    )


def set_link(
    connection: Connection,
    pair: tuple[int, int],
    status: Link,
    actor: Actor,
    why_id: UUID,
    now: datetime,
) -> None:
    """Record what somebody decided about two records whose persons are locked."""
    first, second = sorted(pair)
    decided = {"status": status, "decided_at": now, "actor": actor.reference}
    connection.execute(
        upsert(same_person)
        .values(
            borrower_id=first,
            other_id=second,
            reason=because(ReasonCode.SAID_BY_STAFF),
            made_at=now,
            **decided,
        )
        .on_conflict_do_update(index_elements=["borrower_id", "other_id"], set_=decided)
    )
    connection.execute(
        insert(same_person_change).values(
            borrower_id=first,
            other_id=second,
            status=status,
            at=now,
            actor=actor.reference,
            why_id=why_id,
        )
    )
