"""The totals of a day, by product, step and team: each counts what was recorded on that day."""

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

from domain.actions import ActionStatus
from domain.arrangements import ArrangementStatus
from domain.contact_outcomes import WITH_BORROWER
from domain.daily_totals import Measure, first_moment
from domain.promises import PromiseStatus
from workers.db.teams import TEAMS, in_team

_WHO_HAD_IT = """coalesce(c.actor, (SELECT o.actor FROM contact_outcome o
                               WHERE c.channel = 'visit' AND o.contact_id = c.id))"""
"""Who had the contact `c`. Two people make a visit: it is of whoever reports it."""

# A visit that was cancelled was never begun.
_BEGUN = """NOT EXISTS (SELECT FROM visit v
                        WHERE v.contact_id = c.id AND v.cancelled_at IS NOT NULL)"""


def _plans(measure: Measure, moment: str) -> str:
    """Deferrals and instalment plans, by what became of them at a moment; of whoever offered them.
    Of several offers on one day the last one counts."""
    return f"""
    SELECT '{measure}', a.loan_id, NULL, a.offered_by, a.offered_at,
           CAST(a.{moment} AT TIME ZONE :zone AS date), 1, a.to_pay_after
      FROM arrangement a WHERE a.{moment} >= :starts AND a.{moment} < :ends"""  # noqa: S608


def _ended_plans(measure: Measure, status: ArrangementStatus) -> str:
    """Plans that ended so, less those of which this end was taken back."""
    return f"""
    SELECT '{measure}', a.loan_id, NULL, a.offered_by, a.offered_at,
           CAST(e.at AT TIME ZONE :zone AS date), e.number, e.number * a.to_pay_after
      FROM (SELECT id, ended_at, 1 FROM arrangement WHERE status = '{status}'
             UNION ALL
            SELECT arrangement_id, ended_at, 1 FROM arrangement_return
             WHERE from_status = '{status}'
             UNION ALL
            SELECT arrangement_id, at, -1 FROM arrangement_return
             WHERE from_status = '{status}') AS e (id, at, number)
           JOIN arrangement a ON a.id = e.id
     WHERE e.at >= :starts AND e.at < :ends"""  # noqa: S608


def _matters(measure: Measure, table: str, recorded: str, moment: str) -> str:
    """Complaints or disputes, by the member of staff they are about, or who had the contact."""
    about = _WHO_HAD_IT
    if table == "complaint":
        about = f"coalesce(m.about_staff, {about})"
    return f"""
    SELECT '{measure}', m.loan_id, NULL, {about}, coalesce(c.at, m.received_at),
           CAST(m.{moment} AT TIME ZONE :zone AS date), 1, NULL
      FROM {table} m LEFT JOIN contact c ON c.id = m.contact_id
     WHERE m.{recorded} >= :starts AND m.{recorded} < :ends"""  # noqa: S608


# Each row is one thing that was recorded on the day: what it is, its loan, its step if an action
# says so, who did it and when, the day on which it happened if it is another one, and its amount.
# The step of what no action asked for is that of its loan at the end of the day.
_HAPPENED = f"""
    SELECT CASE c.channel WHEN 'sms' THEN '{Measure.TEXTS}' WHEN 'call' THEN '{Measure.CALLS}'
                          ELSE '{Measure.VISITS}' END AS measure,
           c.loan_id, a.step, {_WHO_HAD_IT} AS actor,
           c.at AS done_at, CAST(NULL AS date) AS value_day, 1 AS number,
           CAST(NULL AS numeric) AS amount
      FROM contact c LEFT JOIN action a ON a.id = c.action_id
     WHERE c.at >= :starts AND c.at < :ends AND c.inbound IS NOT TRUE AND c.part_of IS NULL
       AND c.channel IN ('sms', 'call', 'visit') AND {_BEGUN}
     UNION ALL
    SELECT said.measure, c.loan_id, a.step, coalesce(c.actor, o.actor), c.at, NULL, 1, NULL
      FROM contact_outcome o JOIN contact c ON c.id = o.contact_id
           LEFT JOIN action a ON a.id = c.action_id
           JOIN (VALUES ('{Measure.RIGHT_PARTY}'), ('{Measure.REASONS_LEARNT}')) AS said (measure)
             ON CASE said.measure WHEN '{Measure.REASONS_LEARNT}'
                     THEN o.reason IS NOT NULL AND o.outcome = ANY(:with_borrower)
                          AND c.party = 'borrower'
                     ELSE o.outcome = ANY(:with_borrower) AND c.inbound IS NOT TRUE END
     WHERE o.reported_at >= :starts AND o.reported_at < :ends AND c.part_of IS NULL
     UNION ALL
    SELECT '{Measure.PROMISES_MADE}', p.loan_id, NULL, p.actor, p.made_at, NULL, 1, p.amount
      FROM promise p WHERE p.made_at >= :starts AND p.made_at < :ends
     UNION ALL
    SELECT judged.measure, p.loan_id, NULL, p.actor, p.made_at, p.due_on, moved.number,
           moved.number * p.amount
      FROM promise_event e JOIN promise p ON p.id = e.promise_id
           CROSS JOIN LATERAL (VALUES (e.to_status, 1), (e.from_status, -1))
                   AS moved (status, number)
           JOIN (VALUES ('{PromiseStatus.KEPT}', '{Measure.PROMISES_KEPT}'),
                        ('{PromiseStatus.PART_KEPT}', '{Measure.PROMISES_PART_KEPT}'),
                        ('{PromiseStatus.BROKEN}', '{Measure.PROMISES_BROKEN}'))
                   AS judged (status, measure) ON judged.status = moved.status
     WHERE e.at >= :starts AND e.at < :ends
     UNION ALL
    {_plans(Measure.PLANS_OFFERED, "offered_at")}
     UNION ALL
    {_plans(Measure.PLANS_ACTIVE, "confirmed_at")}
     UNION ALL
    {_ended_plans(Measure.PLANS_KEPT, ArrangementStatus.COMPLETED)}
     UNION ALL
    {_ended_plans(Measure.PLANS_DEFAULTED, ArrangementStatus.DEFAULTED)}
     UNION ALL
    {_matters(Measure.COMPLAINTS_OPENED, "complaint", "recorded_at", "received_at")}
     UNION ALL
    {_matters(Measure.COMPLAINTS_CLOSED, "complaint", "resolved_at", "resolved_at")}
     UNION ALL
    {_matters(Measure.DISPUTES_OPENED, "dispute", "recorded_at", "received_at")}
     UNION ALL
    {_matters(Measure.DISPUTES_CLOSED, "dispute", "resolved_at", "resolved_at")}
     UNION ALL
    SELECT '{Measure.PAID}', p.loan_id, NULL, NULL, NULL, p.paid_on, 1, p.amount
      FROM payment p WHERE p.recorded_at >= :starts AND p.recorded_at < :ends
     UNION ALL
    SELECT '{Measure.REVERSED}', p.loan_id, NULL, NULL, NULL, p.reversed_on, 1,
           p.amount - p.returned
      FROM payment p WHERE p.reversed_at >= :starts AND p.reversed_at < :ends
     UNION ALL
    SELECT '{Measure.REVERSED}', p.loan_id, NULL, NULL, NULL, r.returned_on, 1, r.amount
      FROM payment_return r JOIN payment p ON p.id = r.payment_id
     WHERE r.recorded_at >= :starts AND r.recorded_at < :ends
     UNION ALL
    SELECT '{Measure.REVERSED}', p.loan_id, NULL, NULL, NULL, r.taken_back_on, -1, -r.amount
      FROM payment_return r JOIN payment p ON p.id = r.payment_id
     WHERE r.taken_back_at >= :starts AND r.taken_back_at < :ends
     UNION ALL
    SELECT '{Measure.OPEN_WORK}', a.loan_id, a.step, s.external_id, :now,
           CAST(:counted_on AS date), 1, NULL
      FROM action a
           -- By the index: what is open is little beside all calls there ever were.
           LEFT JOIN LATERAL (
               SELECT staff_id FROM call
                WHERE action_id = a.id AND cancelled_at IS NULL OFFSET 0) k ON true
           LEFT JOIN staff s ON s.id = k.staff_id
     WHERE :counts_work
       AND a.status IN ('{ActionStatus.ASSIGNED}', '{ActionStatus.AWAITING_APPROVAL}')
"""  # noqa: S608 put together from constants

_TOTALS = text(f"""
WITH {TEAMS}, happened AS ({_HAPPENED})
INSERT INTO daily_total (day, value_day, measure, product, currency, step, team, number, amount)
SELECT :day, h.value_day, h.measure, l.product, l.currency, h.step, h.team, sum(h.number),
       sum(h.amount)
  FROM (SELECT h.measure, h.loan_id, coalesce(h.step, d.step) AS step, teams.team,
               coalesce(h.value_day, CAST(h.done_at AT TIME ZONE :zone AS date)) AS value_day,
               h.number, h.amount
          FROM happened h
          LEFT JOIN teams ON {in_team("h.actor", "h.done_at")}
          LEFT JOIN LATERAL (
               SELECT d.step FROM loan_day d
                WHERE h.step IS NULL AND d.loan_id = h.loan_id AND d.day <= :day
                ORDER BY d.day DESC, d.id DESC LIMIT 1) d ON true) h
 -- By the index: a day has few of all loans, and the planner expects more.
 CROSS JOIN LATERAL (SELECT product, currency FROM loan WHERE id = h.loan_id OFFSET 0) l
 GROUP BY h.value_day, h.measure, l.product, l.currency, h.step, h.team
""")  # noqa: S608 put together from constants


def write_totals(connection: Connection, day: date, now: datetime, *, counts_work: bool) -> int:
    """Add up what was recorded on `day`, a date of the lender. One statement. Returns how many rows
    it wrote.

    `now` is in the lender's zone. Open work is what is open now, so it is counted only with
    `counts_work`, with the date of `now` as its value day. The team of what somebody did is that in
    which they were when they did it.
    """
    starts, ends = first_moment(day, now.tzinfo), first_moment(day + timedelta(1), now.tzinfo)
    values = {
        "day": day,
        "starts": starts,
        "ends": ends,
        "now": now,
        "zone": str(now.tzinfo),
        "with_borrower": sorted(WITH_BORROWER),
        "counts_work": counts_work,
        "counted_on": now.date(),
    }
    return connection.execute(_TOTALS, values).rowcount
