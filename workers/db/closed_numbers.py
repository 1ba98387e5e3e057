"""Numbers and addresses that are closed to contact until another one, or a new fact, comes.

Where no other number may be used, it is an open problem on every loan of everybody who has it. An
address has no other one that could be used instead.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_points import NEW_NUMBER_NEEDED, OF_ADDRESS, NumberFact, stopped_by
from domain.reasons import ReasonCode, because
from workers.db.actions import recheck_deferred
from workers.db.persons import (
    end_number_facts,
    loans_with_point,
    lock_number,
    note_number_fact,
)
from workers.db.problems import note_problem
from workers.db.schema import contact_point_fact

NUMBER_CLOSED = "number_closed"
ADDRESS_CLOSED = "address_closed"
"""The kinds of problems."""


def close_number(
    connection: Connection, blind_index: bytes, fact: NumberFact, actor: Actor, now: datetime
) -> bool:
    """Record a fact about a number or an address; False if it was known already.

    If only another one lets the contact go on, it is a problem on every loan concerned that has no
    other number. The contact point is locked last, as in a claim.
    """
    loans = loans_with_point(connection, blind_index)
    number = lock_number(connection, blind_index)
    if not note_number_fact(connection, number, fact, actor, now):
        return False
    if fact in NEW_NUMBER_NEEDED:
        _note_closed(connection, loans, blind_index, fact, now)
    return True


def _note_closed(
    connection: Connection,
    loan_ids: Sequence[int],
    blind_index: bytes,
    fact: NumberFact,
    now: datetime,
) -> None:
    channel = Channel.CALL if stopped_by(frozenset({fact}), Channel.CALL) else Channel.SMS
    values = {"loans": list(loan_ids), "point": blind_index, "closing": _words(NEW_NUMBER_NEEDED)}
    for row in connection.execute(_HAVE_NO_OTHER, values):
        if row.is_address:
            if fact in NEW_ADDRESS_NEEDED:
                closed = {"channel": Channel.VISIT, "number_fact": fact}
                detail = because(ReasonCode.ADDRESS_CLOSED, **closed)
                note_problem(connection, row.id, ADDRESS_CLOSED, detail, now)
            continue
        detail = because(ReasonCode.NUMBER_CLOSED, channel=channel, number_fact=fact)
        if row.numbers > 1:
            detail = because(ReasonCode.NO_NUMBER_LEFT, channel=channel) + detail
        note_problem(connection, row.id, NUMBER_CLOSED, detail, now)


def reopen_number(
    connection: Connection,
    blind_index: bytes,
    facts: Collection[NumberFact],
    actor: Actor,
    now: datetime,
    *,
    seen_at: datetime | None = None,
) -> bool:
    """End facts about a number or an address, because a new fact says so; False if there were none.

    The new fact was seen at `seen_at`, by default now: what became known after that stays. What
    waited for it is due again, and the problems are resolved where no other fact closes it.
    """
    if not connection.execute(_HAS, {"number": blind_index, "facts": _words(facts)}).scalar():
        return False
    loans = loans_with_point(connection, blind_index)
    number = lock_number(connection, blind_index)
    older = contact_point_fact.c.since <= (seen_at or now)
    if not end_number_facts(connection, number, facts, actor, now, which=older):
        return False
    resolve_reopened(connection, loans, now)
    recheck_deferred(connection, loans, now)
    return True


_HAS = text("""
SELECT true FROM contact_point n JOIN contact_point_fact f ON f.contact_point_id = n.id
 WHERE n.blind_index = :number AND f.ended_at IS NULL AND f.kind = ANY(:facts) LIMIT 1
""")

_OPEN_NUMBER = """
    SELECT FROM borrower_number x
     WHERE x.borrower_id = l.borrower_id
       AND NOT EXISTS (SELECT FROM contact_point_fact f
                        WHERE f.contact_point_id = x.contact_point_id
                          AND f.ended_at IS NULL AND f.kind = ANY(:closing))
"""

_HAVE_NO_OTHER = text(f"""
SELECT l.id, n.kind = 'address' AS is_address,
       (SELECT count(*) FROM borrower_number x WHERE x.borrower_id = l.borrower_id) AS numbers
  FROM loan l JOIN contact_point n ON n.blind_index = :point
 WHERE l.id = ANY(:loans) AND (n.kind = 'address' OR NOT EXISTS ({_OPEN_NUMBER}))
 ORDER BY l.id
""")  # noqa: S608 the clause is the constant above

# In one order, as everybody who resolves problems of several loans.
_RESOLVE = text(f"""
WITH resolved AS (
SELECT p.id
  FROM problem p JOIN loan l ON l.id = p.loan_id JOIN borrower b ON b.id = l.borrower_id
 WHERE l.id = ANY(:loans) AND p.resolved_at IS NULL
   AND (p.kind = :number_closed
        AND (EXISTS ({_OPEN_NUMBER})
             OR NOT EXISTS (SELECT FROM borrower_number x WHERE x.borrower_id = b.id))
        OR p.kind = :address_closed
        AND NOT EXISTS (SELECT FROM contact_point_fact f
                         WHERE f.contact_point_id = b.address_point_id
                           AND f.ended_at IS NULL AND f.kind = ANY(:closing_address))
        -- The person called another number inconvenient, and has this one now.
        OR p.kind = 'inconvenient_place'
        AND NOT EXISTS (SELECT FROM borrower x
                          JOIN person_fact f ON f.borrower_id = x.id
                         WHERE x.person_id = b.person_id
                           AND f.ended_at IS NULL AND f.kind = 'inconvenient_place'
                           AND (f.contact_point_id IS NULL
                                OR f.contact_point_id = b.address_point_id
                                OR EXISTS (SELECT FROM borrower_number y
                                            WHERE y.borrower_id = b.id
                                              AND y.contact_point_id = f.contact_point_id))))
 ORDER BY p.id
   FOR UPDATE OF p
)
UPDATE problem p SET resolved_at = :now FROM resolved WHERE p.id = resolved.id
""")  # noqa: S608 the clause is the constant above

NEW_ADDRESS_NEEDED = frozenset(
    fact for fact in OF_ADDRESS if stopped_by(frozenset({fact}), Channel.VISIT)
)


def resolve_reopened(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Resolve the problems of loans that have a number, or an address, that is not closed."""
    if not loan_ids:
        return
    values = {
        "loans": list(loan_ids),
        "number_closed": NUMBER_CLOSED,
        "address_closed": ADDRESS_CLOSED,
        "closing": _words(NEW_NUMBER_NEEDED),
        "closing_address": _words(NEW_ADDRESS_NEEDED),
        "now": now,
    }
    connection.execute(_RESOLVE, values)


def _words(facts: Collection[NumberFact]) -> list[str]:
    return [str(fact) for fact in facts]
