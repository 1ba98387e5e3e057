"""Cancels calls and visits whose arrears are paid, or whose loan is on hold."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actions import ActionStatus, Move
from domain.reasons import ReasonCode, because
from workers.db.actions import move_actions
from workers.db.prepared_statements import prepared

REASONS = {True: because(ReasonCode.SUPERSEDED), False: because(ReasonCode.PAUSED)}
"""By whether the arrears of the call or the visit are gone."""

_CANCEL = prepared(
    text("""
WITH assigned AS (
    SELECT a.id, a.loan_id, a.ladder_since IS DISTINCT FROM l.ladder_since AS needless
      FROM action a JOIN loan l ON l.id = a.loan_id
     WHERE a.loan_id = ANY(:loan_ids) AND a.status = 'assigned'
), calls AS (
    UPDATE call c SET cancelled_at = :now
      FROM assigned a
     WHERE c.action_id = a.id AND c.cancelled_at IS NULL
       AND (a.needless OR EXISTS (
           SELECT FROM hold_of_loan h
            WHERE h.loan_id = a.loan_id AND h.starts_on <= :today
              AND coalesce(h.ends_on > :today, true)))
    RETURNING c.action_id, a.needless
), visits AS (
    UPDATE visit v SET cancelled_at = :now
      FROM assigned a
     WHERE v.action_id = a.id AND v.cancelled_at IS NULL AND v.starts_at > :now
       AND (a.needless OR EXISTS (
           SELECT FROM hold_of_loan h
            WHERE h.loan_id = a.loan_id
              AND h.starts_on <= CAST(v.ends_at AT TIME ZONE :zone AS date)
              AND coalesce(h.ends_on > CAST(v.starts_at AT TIME ZONE :zone AS date), true)))
    RETURNING v.id, v.action_id, a.needless
), freed AS (
    UPDATE visit_staff SET cancelled_at = :now WHERE visit_id IN (SELECT id FROM visits)
)
SELECT action_id, needless FROM calls UNION ALL SELECT action_id, needless FROM visits
""")
)


def cancel_appointments(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Cancel the calls and the future visits of loans whose arrears are gone or that are on hold.

    A hold in force today cancels calls; a hold that covers the day of a visit cancels the visit.
    The loans' positions must be up to date; `now` is in the lender's zone. The visitors are free
    for other visits. Cancelled work is planned again if its reason goes away. One statement, and
    one more for each reason with cancelled work.
    """
    if not loan_ids:
        return
    cancelled = connection.execute(
        _CANCEL,
        {"loan_ids": list(loan_ids), "now": now, "today": now.date(), "zone": str(now.tzinfo)},
    ).all()
    for needless, why in REASONS.items():
        if ids := [row.action_id for row in cancelled if row.needless is needless]:
            move_actions(connection, ids, Move(ActionStatus.CANCELLED, why), now)
