"""Several persons at once, and everybody who has a telephone number, locked before their loans.

A transaction that locks several persons here holds none of them while it waits for another. So
there is no deadlock with a transaction that locks them in another order, as when records become one
person.
"""

import time
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from workers.db.bulk import is_one_of
from workers.db.contact_points import records_with
from workers.db.parties import loans_of
from workers.db.persons import lock_loans
from workers.db.schema import borrower, loan

GIVE_UP_AFTER = 20
"""Seconds, as the time limit of every lock."""

_LOCK_FREE = text("""
SELECT id FROM person WHERE id = ANY(:persons) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
""")
_LOCK_ONE = text("SELECT id FROM person WHERE id = :person FOR NO KEY UPDATE")


def lock_all(connection: Connection, persons: Collection[int]) -> None:
    """Lock persons, all or none: while somebody else has locked one of them, the others are free.

    If there is no end of that, they are locked one after the other.
    """
    ends_at = time.monotonic() + GIVE_UP_AFTER
    missing = set(persons)
    while len(persons) > 1 and time.monotonic() < ends_at:
        attempt = connection.begin_nested()
        free = connection.execute(_LOCK_FREE, {"persons": sorted(persons)}).scalars()
        missing = set(persons).difference(free)
        if not missing:
            attempt.commit()
            return
        attempt.rollback()
        # Wait for one that is locked, with nothing else in hand.
        waiting = connection.begin_nested()
        connection.execute(_LOCK_ONE, {"person": min(missing)})
        waiting.rollback()
    for person_id in sorted(persons):
        connection.execute(_LOCK_ONE, {"person": person_id})


class People(NamedTuple):
    """Everybody whom a text may be from; they, and the loans that concern them, are locked."""

    named: list[int]
    """The records that have the number, or to which the text was put."""
    records: list[int]
    """All records of these persons."""
    loans: list[int]
    """All to which one of these persons is borrower or party."""
    is_one: bool
    """Whether the named records are those of one person."""


def lock_people(
    connection: Connection,
    blind_index: bytes,
    also: int | None = None,
    *,
    of_loan: str | None = None,
) -> People:
    """Lock everybody who has a number, the person of the record `also`, and the borrower of a loan.

    The number itself is locked after them. `of_loan` is the lender's id.
    """
    is_named = borrower.c.id.in_(records_with(blind_index)) | (borrower.c.id == also)
    is_meant = is_named
    if of_loan is not None:
        has_loan = select(loan.c.borrower_id).where(loan.c.external_id == of_loan)
        is_meant = is_named | borrower.c.id.in_(has_loan)
    found = select(borrower.c.person_id).where(is_meant).distinct()
    persons: set[int] = set()
    # While others had them locked, a record may have come to stand for another person.
    while missing := set(connection.execute(found).scalars()) - persons:
        lock_all(connection, missing)
        persons |= missing
    rows = connection.execute(
        select(
            borrower.c.id,
            borrower.c.person_id,
            func.coalesce(is_named, False).label("is_named"),
        )
        .where(is_one_of(borrower.c.person_id, persons))
        .order_by(borrower.c.id)
        .with_for_update(key_share=True)
    ).all()
    records = [row.id for row in rows]
    loans = lock_loans(connection, loan.c.id.in_(loans_of(records)))
    named = [row for row in rows if row.is_named]
    is_one = len({row.person_id for row in named}) == 1
    return People([row.id for row in named], records, loans, is_one)
