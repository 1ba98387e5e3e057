"""What may be served to a collector: their calls and replies, late callbacks, and what is owed."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actions import WAITING, ActionStatus
from domain.contact_outcomes import ContactOutcome
from domain.follow_ups import Trigger
from domain.outcome_follows import Owner
from workers.db.actions import is_current
from workers.db.kept_away import persons_kept_from_sql
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_rows
from workers.db.who_acted import person_in
from workers.db.work_leases import LEASED

MOST_CANDIDATES = 500
"""So many pieces of work of one collector, the oldest first, are put in order."""
LATE_CALLBACKS = timedelta(days=7)
"""How far back callbacks are looked for that colleagues have not kept."""
ON_THE_PHONE = timedelta(hours=1)
"""How long a call without an outcome keeps colleagues from the person: one may be forgotten."""
OPEN_CALLS = [
    str(status) for status in sorted(WAITING | {ActionStatus.CLAIMED, ActionStatus.ASSIGNED})
]
WITH_BORROWER = [str(outcome) for outcome in ContactOutcome if outcome.with_borrower]


class Waiting(NamedTuple):
    """A row of a call, or a reply, that may be served."""

    call_id: int | None
    first_id: int | None
    """The call whose part this row is, or its own id."""
    reply_id: int | None
    action_id: int | None
    staff_id: int
    since: datetime
    """When it was given to a collector first since the last try, or the reply came."""
    language: str
    purpose: str
    loan_id: int | None
    party_id: int | None
    party: str
    item: str
    step: str
    ladder_id: str
    ladder_version: int
    ladder_since: date
    cause: str | None
    """What it follows from; None: a day of the ladder asks for it."""
    follows: Trigger | None
    """What kind of thing that is."""
    caused_at: datetime | None
    act_until: date | None
    loan: str | None
    jurisdiction: str
    currency: str
    borrower_id: int
    record: str
    person_id: int
    zones: list[str]
    """IANA: where the person may be."""
    tries: int
    tried_at: datetime | None
    callback_at: datetime | None
    spoken_at: datetime | None
    promise_status: str | None
    promise_completed_at: datetime | None
    past_due: Decimal
    ladder_day: int | None
    """Today's, without the days of holds; None: it is not known."""
    duty_at: datetime | None
    """By when the collector, or any collector, owes something about the loan."""
    leased_to: int | None
    leased_until: datetime | None
    duty_id: int | None
    duty_after: str | None
    """The outcome that asks for the duty."""
    duty_owner: str | None
    dispute: str | None
    """The lender's id of the dispute that somebody takes."""
    complaint: str | None


_OF_ME = f"{person_in('d.staff')} = (SELECT external_id FROM staff WHERE id = :me)"  # noqa: S608 a constant
"""Whether the duty `d` is owed by whoever asks, also where a machine named them."""

_CANDIDATES = f"""
WITH barred AS (
    {persons_kept_from_sql(":me")}
), mine AS (
    -- OFFSET keeps the planner from walking all calls in the order of their ids.
    SELECT id FROM (SELECT id FROM call
                     WHERE staff_id = :me AND ended_at IS NULL AND cancelled_at IS NULL
                    OFFSET 0) of_collector
     ORDER BY id LIMIT :most
), late AS (
    SELECT k.id
      FROM contact_outcome o JOIN contact x ON x.id = o.contact_id
           JOIN call k ON k.action_id = x.action_id
     WHERE o.callback_at IS NOT NULL AND o.callback_at > :looked_back AND o.callback_at <= :late
       AND k.ended_at IS NULL AND k.cancelled_at IS NULL AND k.staff_id <> :me
       -- Nobody has tried since the moment that was named.
       AND NOT EXISTS (SELECT FROM contact y
                        WHERE y.action_id = x.action_id AND y.at >= o.callback_at)
     ORDER BY o.callback_at LIMIT :most
), calls AS (
    SELECT id FROM mine UNION SELECT id FROM late
), owed AS (
    SELECT * FROM (
        SELECT d.*, CAST(NULL AS timestamptz) AS callback_at FROM duty d
         WHERE d.ended_at IS NULL AND d.due_at <= :clock AND d.owner = ANY(:owners)
           AND coalesce({_OF_ME},
                        d.owner <> 'collector')
           AND d.outcome IS DISTINCT FROM 'callback_requested'
         UNION ALL
        SELECT d.*, o.callback_at
          FROM duty d JOIN contact x ON x.id = d.contact_id
               JOIN contact_outcome o ON o.contact_id = x.id
         WHERE d.ended_at IS NULL AND d.owner = ANY(:owners)
           AND d.outcome = 'callback_requested' AND o.callback_at <= :now
           AND (o.callback_at <= :late
                OR coalesce({_OF_ME},
                            d.owner <> 'collector'))
           -- Who is to be called back in a call of the ladder is served as that call.
           AND NOT EXISTS (SELECT FROM action a
                            WHERE a.id = x.action_id AND a.type = 'assign_call'
                              AND a.status = ANY(:open_calls))
           -- Nobody has called them since, which ends the duty once its outcome is reported.
           AND NOT EXISTS (SELECT FROM contact y
                            WHERE y.loan_id = d.loan_id AND y.borrower_id = x.borrower_id
                              AND y.party = x.party AND y.channel = 'call'
                              AND y.at >= o.callback_at)) of_owners
     ORDER BY due_at, id LIMIT :most
)
"""  # noqa: S608 put together from constants
"""Whom the collector must not handle; their calls, late callbacks of colleagues; what is owed."""
_CALLS = f"""
SELECT c.id AS call_id, coalesce(c.part_of, c.id) AS first_id, CAST(NULL AS bigint) AS reply_id,
       a.id AS action_id, c.staff_id,
       -- Handed on each evening, it waits since it was given to somebody first.
       coalesce((SELECT min(g.assigned_at) FROM call g
                  WHERE g.action_id = a.id AND g.assigned_at > coalesce(tried.tried_at, '-infinity')
                ), c.assigned_at) AS since, c.language, c.purpose,
       a.loan_id, a.party_id, coalesce(q.role, 'borrower') AS party, a.item, a.step, a.ladder_id,
       a.ladder_version, a.ladder_since, a.cause, a.follows, a.caused_at, a.act_until,
       l.external_id AS loan, l.jurisdiction, l.currency,
       b.id AS borrower_id, b.external_id AS record, b.person_id, b.zones,
       tried.tries, tried.tried_at, tried.callback_at, spoken.at AS spoken_at,
       p.status AS promise_status, p.completed_at AS promise_completed_at,
       coalesce(decided.past_due, 0) AS past_due,
       decided.ladder_day + (CAST(:today AS date) - decided.business_date) AS ladder_day,
       (SELECT min(d.due_at) FROM duty d
         WHERE d.loan_id = l.id AND d.ended_at IS NULL AND d.owner IN ('collector', 'team')
           AND (d.staff IS NULL
                OR {_OF_ME})
       ) AS duty_at,
       w.staff_id AS leased_to, w.until AS leased_until, CAST(NULL AS bigint) AS duty_id,
       CAST(NULL AS text) AS duty_after, CAST(NULL AS text) AS duty_owner,
       CAST(NULL AS text) AS dispute, CAST(NULL AS text) AS complaint
  FROM calls JOIN call c ON c.id = calls.id
       JOIN action a ON a.id = c.action_id
       JOIN loan l ON l.id = a.loan_id
       LEFT JOIN loan_party q ON q.id = a.party_id
       JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
       CROSS JOIN LATERAL (
           SELECT count(*) AS tries, max(x.at) AS tried_at,
                  (array_agg(o.callback_at ORDER BY x.id DESC)
                      FILTER (WHERE o.callback_at IS NOT NULL))[1] AS callback_at
             FROM contact x LEFT JOIN contact_outcome o ON o.contact_id = x.id
            WHERE x.action_id = a.id) tried
       CROSS JOIN LATERAL (
           SELECT max(x.at) AS at
             FROM contact x JOIN contact_outcome o ON o.contact_id = x.id
            WHERE x.borrower_id = b.id AND x.loan_id = l.id
              AND x.at >= CAST(a.ladder_since AS timestamp) AT TIME ZONE :zone
              AND x.channel <> 'letter' AND o.outcome = ANY(:with_borrower)) spoken
       LEFT JOIN LATERAL (
           SELECT p.status, p.completed_at FROM promise p
            WHERE p.loan_id = l.id AND p.borrower_id IS NOT DISTINCT FROM q.borrower_id
              AND p.made_at >= CAST(a.ladder_since AS timestamp) AT TIME ZONE :zone
            ORDER BY p.id DESC LIMIT 1) p ON true
       LEFT JOIN LATERAL (
           SELECT d.past_due, d.ladder_day, d.business_date FROM decision d
            WHERE d.loan_id = l.id ORDER BY d.id DESC LIMIT 1) decided ON true
       LEFT JOIN {LEASED} w ON w.person_id = b.person_id
 WHERE a.status = 'assigned' AND {is_current("a", "l")}
   AND b.person_id NOT IN (SELECT person_id FROM barred)
   -- A colleague is on the phone with them.
   AND NOT EXISTS (SELECT FROM contact z JOIN borrower zb ON zb.id = z.borrower_id
                    WHERE zb.person_id = b.person_id AND z.at > :on_the_phone
                      AND z.channel = 'call' AND z.attempt IS NOT NULL AND z.inbound IS NOT TRUE
                      AND z.actor <> (SELECT external_id FROM staff WHERE id = :me)
                      AND NOT EXISTS (SELECT FROM contact_outcome zo WHERE zo.contact_id = z.id))
"""  # noqa: S608 put together from constants
"""The first of three parts: it names the columns of `Waiting` for all of them."""
_REPLIES = f"""
SELECT NULL, NULL, r.id, NULL, r.staff_id, r.received_at, b.locale, 'reply',
       r.loan_id, NULL, 'borrower', '', '', '', 0, CAST(r.received_at AS date), NULL, NULL,
       NULL, NULL,
       l.external_id, coalesce(l.jurisdiction, ''), coalesce(l.currency, ''),
       b.id, b.external_id, b.person_id, b.zones,
       0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, w.staff_id, w.until, NULL, NULL, NULL,
       NULL, NULL
  FROM reply r JOIN borrower b ON b.id = r.borrower_id
       LEFT JOIN loan l ON l.id = r.loan_id
       LEFT JOIN {LEASED} w ON w.person_id = b.person_id
 WHERE r.staff_id = :me AND r.to_read AND r.handled_at IS NULL
   AND b.person_id NOT IN (SELECT person_id FROM barred)
"""  # noqa: S608 put together from constants
_DUTIES = f"""
SELECT NULL, NULL, NULL, NULL,
       CASE WHEN d.staff IS NULL THEN CAST(:me AS bigint)
            ELSE coalesce((SELECT id FROM staff WHERE external_id = {person_in("d.staff")}), 0) END,
       d.made_at, b.locale, 'duty',
       d.loan_id, theirs.id,
       coalesce(x.party,
                (SELECT q.role FROM loan_party q
                  WHERE q.loan_id = d.loan_id
                    AND q.borrower_id = coalesce(m.borrower_id, n.borrower_id) LIMIT 1),
                'borrower'), '', '', '', 0, CAST(d.made_at AS date), NULL,
       NULL, NULL, NULL,
       l.external_id, l.jurisdiction, l.currency, b.id, b.external_id, b.person_id, b.zones,
       0, NULL, d.callback_at, NULL, NULL, NULL, 0, NULL, d.due_at, w.staff_id, w.until,
       d.id, d.outcome, d.owner,
       CASE d.outcome WHEN 'disputes' THEN coalesce(m.external_id, 'disputes:' || x.attempt) END,
       CASE d.outcome WHEN 'complains' THEN coalesce(n.external_id, 'complains:' || x.attempt) END
  FROM owed d JOIN loan l ON l.id = d.loan_id
       LEFT JOIN contact x ON x.id = d.contact_id
       LEFT JOIN loan_party theirs ON theirs.loan_id = d.loan_id
            AND theirs.borrower_id = x.borrower_id AND theirs.role = x.party
            AND theirs.ended_at IS NULL
       LEFT JOIN dispute m ON m.id = d.dispute_id
       LEFT JOIN complaint n ON n.id = d.complaint_id
       JOIN borrower b
            ON b.id = coalesce(x.borrower_id, m.borrower_id, n.borrower_id, l.borrower_id)
       LEFT JOIN {LEASED} w ON w.person_id = b.person_id
 WHERE b.person_id NOT IN (SELECT person_id FROM barred)
"""  # noqa: S608 put together from constants
_WAITING = prepared(text(f"{_CANDIDATES}{_CALLS} UNION ALL{_REPLIES} UNION ALL{_DUTIES}"))


def read_waiting(
    connection: Connection,
    staff_id: int,
    now: datetime,
    late_since: datetime,
    clock: datetime,
    owners: Collection[Owner],
) -> list[Waiting]:
    """What a collector may be served: their open calls and replies; what these `owners` owe up to
    the moment `clock`; the callbacks that they owe by now; and the callbacks that colleagues owed
    by `late_since` and have not made. One statement."""
    values = {
        "me": staff_id,
        "most": MOST_CANDIDATES,
        "now": now,
        "today": now.date(),
        "looked_back": now - LATE_CALLBACKS,
        "late": late_since,
        "clock": clock,
        "owners": [str(owner) for owner in owners],
        "on_the_phone": now - ON_THE_PHONE,
        "zone": str(now.tzinfo),
        "with_borrower": WITH_BORROWER,
        "open_calls": OPEN_CALLS,
    }
    return typed_rows(Waiting, connection.execute(_WAITING, values), now.tzinfo)
