"""Who asks for work: what a collector may do and has done today, and the call they are at."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.actors import Actor, Role
from domain.collectors import Span
from domain.permissions import Membership
from domain.staffing import DayDone, Member, StaffingTerms, terms_on
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_row
from workers.db.visit_hours import at_visit_of, visits_of_day


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
    absent_since: datetime | None
    """When the absence began that they have now; None: they have none."""
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
       (SELECT min(y.starts_at) FROM absence y
         WHERE y.staff_id = s.id AND y.starts_at <= :now
           AND (y.ends_at IS NULL OR y.ends_at > :now)) AS absent_since,
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
