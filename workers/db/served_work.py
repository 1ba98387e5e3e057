"""What may be served to a collector: who asks, what waits, and the call that has no outcome yet."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actions import WAITING, ActionStatus
from domain.actors import Actor, Role
from domain.collectors import Span
from domain.contact_outcomes import ContactOutcome
from domain.follow_ups import Trigger
from domain.outcome_follows import Owner
from domain.permissions import Membership
from domain.staffing import DayDone, Member, StaffingTerms, terms_on
from workers.db.actions import is_current
from workers.db.kept_away import persons_kept_from_sql
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_row, typed_rows
from workers.db.visit_hours import at_visit_of, visits_of_day
from workers.db.who_acted import person_in

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


class WorkingCollector(NamedTuple):
    """Who asks for work, and what they are at."""

    id: int
    reference: str
    roles: list[str]
    trained_on: date | None
    left_on: date | None
    stands_in_for: list[str]
    stands_in_until: date | None
    languages: list[str]
    daily_capacity: int
    minutes_a_day: int | None
    skills: list[str] | None
    certificates: dict[str, str]
    on_shift: bool
    absent: bool
    visit_until: datetime | None
    """When the visit ends that they are on now."""
    started: list[int]
    """The actions of which they have started a call today."""
    minutes: int
    """So many these calls were expected to take."""
    visits: int
    """So many visits they have today."""
    since_first_contact: int
    """Pieces of work that they were served today since the last first contact."""
    given_back: dict[str, str]
    """When they gave work back today: the last moment, by the id of the person."""
    open_attempt: str | None
    """The oldest call that they started and whose outcome is missing."""
    open_contact_id: int | None

    @property
    def membership(self) -> Membership:
        return Membership(
            self.roles, self.trained_on, self.left_on, self.stands_in_for, self.stands_in_until
        )

    def calls_on(self, day: date) -> bool:
        """Whether they make calls; else they are served what supervisors owe, and nothing else."""
        return Role.CALLER in self.membership.roles_on(day)

    @property
    def held(self) -> dict[str, date]:
        """The last days of their certificates, by kind."""
        return {kind: date.fromisoformat(until) for kind, until in self.certificates.items()}

    def skills_on(self, policies: Sequence[StaffingTerms], day: date) -> frozenset[str]:
        """The skills that count on a day."""
        return terms_on(policies, day).skills_on(day, self.skills or (), self.held)

    def gave_back_at(self, person_id: int) -> datetime | None:
        """When they last gave back work about a person today."""
        at = self.given_back.get(str(person_id))
        return None if at is None else datetime.fromisoformat(at)

    def member(self, visit_minutes: int) -> Member:
        """What decides which work they may do today, of which each visit takes `visit_minutes`.
        That they work now is known otherwise, and whom they must not handle is not among what is
        read for them."""
        pieces = len(self.started) + self.visits
        minutes = self.minutes + self.visits * visit_minutes
        return Member(
            self.reference,
            self.trained_on,
            self.left_on,
            None,
            skills=frozenset(self.skills or ()),
            certificates=self.held,
            day=DayDone(pieces, minutes, self.daily_capacity, self.minutes_a_day),
        )


_COLLECTOR = prepared(
    text(f"""
SELECT s.id, s.external_id AS reference, s.roles, s.trained_on, s.left_on, s.stands_in_for,
       s.stands_in_until, s.languages, s.daily_capacity, s.minutes_a_day, s.skills,
       (SELECT coalesce(json_object_agg(t.kind, t.valid_until), '{{}}')
          FROM certificate t WHERE t.staff_id = s.id) AS certificates,
       EXISTS (SELECT FROM shift h
                WHERE h.staff_id = s.id AND h.starts_at <= :now AND h.ends_at > :now) AS on_shift,
       EXISTS (SELECT FROM absence y
                WHERE y.staff_id = s.id AND y.starts_at <= :now
                  AND (y.ends_at IS NULL OR y.ends_at > :now)) AS absent,
       (SELECT max(h.ends_at) FROM {at_visit_of("s.id")}) AS visit_until,
       ARRAY(SELECT DISTINCT c.action_id FROM contact c
              WHERE c.actor = s.external_id AND c.at >= :day_starts AND c.attempt IS NOT NULL
                AND c.channel = 'call' AND c.inbound IS NOT TRUE AND c.action_id IS NOT NULL
       ) AS started,
       (SELECT coalesce(sum(e.minutes), 0) FROM (
           SELECT DISTINCT ON (c.action_id) f.minutes
             FROM contact c JOIN call k ON k.action_id = c.action_id
                  JOIN call f ON f.id = coalesce(k.part_of, k.id)
            WHERE c.actor = s.external_id AND c.at >= :day_starts AND c.attempt IS NOT NULL
              AND c.channel = 'call' AND c.inbound IS NOT TRUE
            ORDER BY c.action_id, k.id DESC) e) AS minutes,
       {visits_of_day("s.id")} AS visits,
       (SELECT count(*) FROM work_lease w
         WHERE w.staff_id = s.id AND w.served_at >= :day_starts
           AND w.id > coalesce((SELECT max(f.id) FROM work_lease f
                                 WHERE f.staff_id = s.id AND f.served_at >= :day_starts
                                   AND f.first_contact), 0)) AS since_first_contact,
       (SELECT coalesce(json_object_agg(g.person_id, g.at), '{{}}')
          FROM (SELECT w.person_id, max(w.ended_at) AS at FROM work_lease w
                 WHERE w.staff_id = s.id AND w.served_at >= :day_starts
                   AND w.ended_because = 'released'
                 GROUP BY w.person_id) g) AS given_back,
       pending.attempt AS open_attempt, pending.id AS open_contact_id
  FROM staff s LEFT JOIN LATERAL (
       SELECT c.id, c.attempt FROM contact c
        WHERE c.actor = s.external_id AND c.at > :looked_back AND c.attempt IS NOT NULL
          AND c.channel = 'call' AND c.inbound IS NOT TRUE
          AND NOT EXISTS (SELECT FROM contact_outcome o WHERE o.contact_id = c.id)
          AND NOT EXISTS (SELECT FROM inbox_event e
                           WHERE e.status = 'received' AND e.kind = 'contact_outcome'
                             AND e.payload ->> 'attempt' = c.attempt)
        ORDER BY c.id LIMIT 1) pending ON true
 WHERE s.external_id = :reference
""")  # noqa: S608 put together from constants
)


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

_WAITING = prepared(
    text(f"""
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
       coalesce((SELECT d.past_due FROM decision d
                  WHERE d.loan_id = l.id ORDER BY d.id DESC LIMIT 1), 0) AS past_due,
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
              AND o.outcome = ANY(:with_borrower)) spoken
       LEFT JOIN LATERAL (
           SELECT p.status, p.completed_at FROM promise p
            WHERE p.loan_id = l.id AND p.borrower_id IS NOT DISTINCT FROM q.borrower_id
            ORDER BY p.id DESC LIMIT 1) p ON true
       LEFT JOIN work_lease w ON w.person_id = b.person_id AND w.ended_at IS NULL
 WHERE a.status = 'assigned' AND {is_current("a", "l")}
   AND b.person_id NOT IN (SELECT person_id FROM barred)
   -- A colleague is on the phone with them.
   AND NOT EXISTS (SELECT FROM contact z JOIN borrower zb ON zb.id = z.borrower_id
                    WHERE zb.person_id = b.person_id AND z.at > :on_the_phone
                      AND z.channel = 'call' AND z.attempt IS NOT NULL AND z.inbound IS NOT TRUE
                      AND z.actor <> (SELECT external_id FROM staff WHERE id = :me)
                      AND NOT EXISTS (SELECT FROM contact_outcome zo WHERE zo.contact_id = z.id))
 UNION ALL
SELECT NULL, NULL, r.id, NULL, r.staff_id, r.received_at, b.locale, 'reply',
       r.loan_id, NULL, 'borrower', '', '', '', 0, CAST(r.received_at AS date), NULL, NULL,
       NULL, NULL,
       l.external_id, coalesce(l.jurisdiction, ''), coalesce(l.currency, ''),
       b.id, b.external_id, b.person_id, b.zones,
       0, NULL, NULL, NULL, NULL, NULL, 0, NULL, w.staff_id, w.until, NULL, NULL, NULL,
       NULL, NULL
  FROM reply r JOIN borrower b ON b.id = r.borrower_id
       LEFT JOIN loan l ON l.id = r.loan_id
       LEFT JOIN work_lease w ON w.person_id = b.person_id AND w.ended_at IS NULL
 WHERE r.staff_id = :me AND r.to_read AND r.handled_at IS NULL
   AND b.person_id NOT IN (SELECT person_id FROM barred)
 UNION ALL
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
       0, NULL, d.callback_at, NULL, NULL, NULL, 0, d.due_at, w.staff_id, w.until,
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
       LEFT JOIN work_lease w ON w.person_id = b.person_id AND w.ended_at IS NULL
 WHERE b.person_id NOT IN (SELECT person_id FROM barred)
""")  # noqa: S608
)


def read_collector(
    connection: Connection, actor: Actor, now: datetime, day: Span, looked_back: datetime
) -> WorkingCollector | None:
    """Who asks for work; None: nobody on the roster has that reference."""
    values = {
        "reference": actor.reference,
        "now": now,
        "day_starts": day.starts_at,
        "day_ends": day.ends_at,
        "looked_back": looked_back,
    }
    return typed_row(WorkingCollector, connection.execute(_COLLECTOR, values))


def read_waiting(
    connection: Connection,
    staff_id: int,
    now: datetime,
    late_since: datetime,
    clock: datetime,
    owners: Collection[Owner],
) -> list[Waiting]:
    """The collector's open calls and replies, the callbacks of colleagues that are late by then,
    what these `owners` owe up to the moment `clock`, and the callbacks that they owe by now, or a
    colleague by `late_since`. One statement."""
    values = {
        "me": staff_id,
        "most": MOST_CANDIDATES,
        "now": now,
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


class OpenAttempt(NamedTuple):
    """A call that was started and has no outcome."""

    borrower_id: int
    record: str
    person_id: int
    loan_id: int
    loan: str
    party: str
    item: str | None
    purpose: str | None
    language: str
    call_id: int | None


_ATTEMPT = prepared(
    text("""
SELECT b.id AS borrower_id, b.external_id AS record, b.person_id, l.id AS loan_id,
       l.external_id AS loan, c.party, a.item, coalesce(k.purpose, c.purpose) AS purpose,
       coalesce(k.language, b.locale) AS language, k.id AS call_id
  FROM contact c JOIN borrower b ON b.id = c.borrower_id
       JOIN loan l ON l.id = c.loan_id
       LEFT JOIN action a ON a.id = c.action_id
       LEFT JOIN call k ON k.action_id = a.id AND k.cancelled_at IS NULL
 WHERE c.id = :of_contact
""")
)


def read_attempt(connection: Connection, contact_id: int) -> OpenAttempt:
    """What a started call is about."""
    found = connection.execute(_ATTEMPT, {"of_contact": contact_id})
    return typed_rows(OpenAttempt, found)[0]
