"""Numbers and addresses that are closed to contact until another one, or a new fact, comes.

If a person has no other number that may be used, it is an open problem on every loan of which the
person is borrower or party. There is no second address that could be used instead.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_points import (
    CLOSED_TO_REPRESENTATIVES,
    NEW_NUMBER_NEEDED,
    OF_ADDRESS,
    NumberFact,
    stopped_by,
)
from domain.reasons import ReasonCode, because
from workers.db.actions import recheck_deferred
from workers.db.contact_points import (
    end_number_facts,
    loans_with_point,
    lock_number,
    note_number_fact,
)
from workers.db.last_words import last_said
from workers.db.problems import Contacted, FoundProblem, note_problems
from workers.db.schema import contact_point_fact

NUMBER_CLOSED = "number_closed"
ADDRESS_CLOSED = "address_closed"
"""The kinds of problems."""


def close_number(
    connection: Connection, blind_index: bytes, fact: NumberFact, actor: Actor, now: datetime
) -> bool:
    """Record a fact about a number or an address; False if it was known already.

    If the fact closes the number, it is a problem on every loan of a borrower or party who has no
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
    found = list[FoundProblem]()
    for row in connection.execute(_HAVE_NO_OTHER, values):
        whose = Contacted(row.loan_id, row.party_id)
        if row.is_address:
            if fact in NEW_ADDRESS_NEEDED:
                closed = {"channel": Channel.VISIT, "number_fact": fact}
                detail = because(ReasonCode.ADDRESS_CLOSED, **closed)
                found.append(FoundProblem(whose, ADDRESS_CLOSED, detail))
            continue
        detail = because(ReasonCode.NUMBER_CLOSED, channel=channel, number_fact=fact)
        if row.numbers > 1:
            detail = because(ReasonCode.NO_NUMBER_LEFT, channel=channel) + detail
        found.append(FoundProblem(whose, NUMBER_CLOSED, detail))
    note_problems(connection, found, now)


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
    older = last_said(contact_point_fact) <= (seen_at or now)
    if not end_number_facts(connection, number, facts, actor, now, which=older):
        return False
    _recheck(connection, loans, now)
    return True


def recheck_through(connection: Connection, blind_index: bytes, now: datetime) -> None:
    """Let what waits for contacts at a locked number be due again, after what is known of it has
    changed; the problems that are over are resolved."""
    _recheck(connection, loans_with_point(connection, blind_index), now)


def _recheck(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    resolve_reopened(connection, loan_ids, now)
    recheck_deferred(connection, loan_ids, now)


_HAS = text("""
SELECT true FROM contact_point n JOIN contact_point_fact f ON f.contact_point_id = n.id
 WHERE n.blind_index = :number AND f.ended_at IS NULL AND f.kind = ANY(:facts) LIMIT 1
""")

# Of the record `w` of whom a problem is about.
_OPEN_NUMBER = """
    SELECT FROM borrower_number x
     WHERE x.borrower_id = w.id
       AND NOT EXISTS (SELECT FROM contact_point_fact f
                        WHERE f.contact_point_id = x.contact_point_id
                          AND f.ended_at IS NULL AND f.kind = ANY(:closing))
"""

_HAVE_NO_OTHER = text(f"""
SELECT o.loan_id, o.party_id, n.kind = 'address' AS is_address,
       (SELECT count(*) FROM borrower_number x WHERE x.borrower_id = w.id) AS numbers
  FROM (SELECT id AS loan_id, CAST(NULL AS bigint) AS party_id, borrower_id FROM loan
         WHERE id = ANY(:loans)
         UNION ALL
        SELECT loan_id, id, borrower_id FROM loan_party
         WHERE loan_id = ANY(:loans) AND ended_at IS NULL) o
  JOIN borrower w ON w.id = o.borrower_id
  JOIN contact_point n ON n.blind_index = :point
 WHERE CASE n.kind WHEN 'address' THEN w.address_point_id = n.id
                   ELSE EXISTS (SELECT FROM borrower_number x
                                 WHERE x.borrower_id = w.id AND x.contact_point_id = n.id)
                        AND NOT EXISTS ({_OPEN_NUMBER}) END
 ORDER BY o.loan_id, o.party_id NULLS FIRST
""")  # noqa: S608 the clause is the constant above

# In one order, as everybody who resolves problems of several loans. A problem of who is party no
# longer, or turned out to be the borrower, is nobody's.
_RESOLVE = text(f"""
WITH resolved AS (
SELECT p.id
  FROM problem p
  JOIN loan l ON l.id = p.loan_id
  JOIN borrower b ON b.id = l.borrower_id
  LEFT JOIN loan_party q ON q.id = p.party_id
  JOIN borrower w ON w.id = coalesce(q.borrower_id, l.borrower_id)
 WHERE l.id = ANY(:loans) AND p.resolved_at IS NULL
   AND (q.ended_at IS NOT NULL OR q.id IS NOT NULL AND w.person_id = b.person_id
        -- The tape says of the borrower what is missing; of others, only what is here counts.
        OR q.id IS NOT NULL
        AND (p.kind IN ('phone_missing', 'phone_invalid')
             AND EXISTS (SELECT FROM borrower_number x WHERE x.borrower_id = w.id)
             OR p.kind = 'address_missing' AND w.address_encrypted IS NOT NULL
             OR p.kind = 'zone_missing' AND w.zones <> '{{}}')
        OR p.kind = :number_closed
        AND (EXISTS ({_OPEN_NUMBER})
             OR NOT EXISTS (SELECT FROM borrower_number x WHERE x.borrower_id = w.id))
        OR p.kind = :address_closed
        AND NOT EXISTS (SELECT FROM contact_point_fact f
                         WHERE f.contact_point_id = w.address_point_id
                           AND f.ended_at IS NULL AND f.kind = ANY(:closing_address))
        -- The person called another number inconvenient, and has this one now.
        OR p.kind = 'inconvenient_place'
        AND NOT EXISTS (SELECT FROM borrower x
                          JOIN person_fact f ON f.borrower_id = x.id
                         WHERE x.person_id = w.person_id
                           AND f.ended_at IS NULL AND f.kind = 'inconvenient_place'
                           AND (f.contact_point_id IS NULL
                                OR f.contact_point_id = w.address_point_id
                                OR EXISTS (SELECT FROM borrower_number y
                                            WHERE y.borrower_id = w.id
                                              AND y.contact_point_id = f.contact_point_id)))
        -- Who acts for the person has a number that may be called, or acts for them no longer.
        OR p.kind = 'representative_unreachable'
        AND NOT EXISTS (SELECT FROM borrower x
                          JOIN person_fact f ON f.borrower_id = x.id
                          JOIN representative r ON r.person_fact_id = f.id
                         WHERE x.person_id = w.person_id
                           AND f.ended_at IS NULL AND r.ended_at IS NULL
                           AND (f.loan_id IS NULL OR f.loan_id = l.id)
                           AND (r.phone_blind_index IS NULL
                                OR EXISTS (SELECT FROM contact_point n
                                             JOIN contact_point_fact k ON k.contact_point_id = n.id
                                            WHERE n.blind_index = r.phone_blind_index
                                              AND k.ended_at IS NULL
                                              AND k.kind = ANY(:closing_representative)))))
 ORDER BY p.id
   FOR UPDATE OF p
)
UPDATE problem p SET resolved_at = :now FROM resolved WHERE p.id = resolved.id
""")  # noqa: S608 the clause is the constant above

NEW_ADDRESS_NEEDED = frozenset(
    fact for fact in OF_ADDRESS if stopped_by(frozenset({fact}), Channel.VISIT)
)


def resolve_reopened(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Resolve the problems of closed numbers and addresses on these loans: of whoever has another
    number or address that is open, and of whoever is not contacted about the loans any more."""
    if not loan_ids:
        return
    values = {
        "loans": list(loan_ids),
        "number_closed": NUMBER_CLOSED,
        "address_closed": ADDRESS_CLOSED,
        "closing": _words(NEW_NUMBER_NEEDED),
        "closing_address": _words(NEW_ADDRESS_NEEDED),
        "closing_representative": _words(CLOSED_TO_REPRESENTATIVES),
        "now": now,
    }
    connection.execute(_RESOLVE, values)


def _words(facts: Collection[NumberFact]) -> list[str]:
    return [str(fact) for fact in facts]
