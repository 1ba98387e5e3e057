"""Telephone numbers that are closed to contact until a new number, or a new fact about it, comes.

A closed number is an open problem on every loan of everybody who has it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_points import NEW_NUMBER_NEEDED, NumberFact, stopped_by
from domain.reasons import ReasonCode, because
from workers.db.actions import recheck_deferred
from workers.db.persons import (
    end_number_facts,
    loans_with_number,
    lock_number,
    note_number_fact,
)
from workers.db.problems import note_problem
from workers.db.schema import contact_point_fact

NUMBER_CLOSED = "number_closed"
"""The kind of problem."""


def close_number(
    connection: Connection, blind_index: bytes, fact: NumberFact, actor: Actor, now: datetime
) -> bool:
    """Record a fact about a number; False if it was known already.

    If only another number lets the contact go on, it is a problem on every loan concerned. The
    number is locked last, as in a claim.
    """
    loans = loans_with_number(connection, blind_index)
    number = lock_number(connection, blind_index)
    if not note_number_fact(connection, number, fact, actor, now):
        return False
    if fact in NEW_NUMBER_NEEDED:
        channel = Channel.CALL if stopped_by(frozenset({fact}), Channel.CALL) else Channel.SMS
        detail = because(ReasonCode.NUMBER_CLOSED, channel=channel, number_fact=fact)
        for loan_id in loans:
            note_problem(connection, loan_id, NUMBER_CLOSED, detail, now)
    return True


def reopen_number(
    connection: Connection,
    blind_index: bytes,
    facts: Collection[NumberFact],
    actor: Actor,
    now: datetime,
    *,
    seen_at: datetime | None = None,
) -> bool:
    """End facts about a number, because a new fact says so; False if there were none.

    The new fact was seen at `seen_at`, by default now: what became known after that stays. What
    waited for it is due again, and the problems are resolved where no other fact closes it.
    """
    if not connection.execute(_HAS, {"number": blind_index, "facts": _words(facts)}).scalar():
        return False
    loans = loans_with_number(connection, blind_index)
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

_RESOLVE = text("""
UPDATE problem p SET resolved_at = :now
  FROM loan l JOIN borrower b ON b.id = l.borrower_id
 WHERE p.loan_id = l.id AND l.id = ANY(:loans)
   AND p.resolved_at IS NULL
   AND (p.kind = :kind
        AND NOT EXISTS (SELECT FROM contact_point n
                          JOIN contact_point_fact f ON f.contact_point_id = n.id
                         WHERE n.blind_index = b.phone_blind_index
                           AND f.ended_at IS NULL AND f.kind = ANY(:closing))
        -- The person called another number inconvenient, and has this one now.
        OR p.kind = 'inconvenient_place'
        AND NOT EXISTS (SELECT FROM borrower x
                          JOIN person_fact f ON f.borrower_id = x.id
                          LEFT JOIN contact_point n ON n.id = f.contact_point_id
                         WHERE x.person_id = b.person_id
                           AND f.ended_at IS NULL AND f.kind = 'inconvenient_place'
                           AND (n.id IS NULL OR n.blind_index = b.phone_blind_index)))
""")


def resolve_reopened(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Resolve the problems of loans whose number is not closed, or is another one by now."""
    if not loan_ids:
        return
    values = {
        "loans": list(loan_ids),
        "kind": NUMBER_CLOSED,
        "closing": _words(NEW_NUMBER_NEEDED),
        "now": now,
    }
    connection.execute(_RESOLVE, values)


def _words(facts: Collection[NumberFact]) -> list[str]:
    return [str(fact) for fact in facts]
