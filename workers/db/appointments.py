"""Calls and visits that people are to make: called off when their arrears are gone, or on hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actions import ActionStatus, Move
from workers.db.actions import move_actions
from workers.db.prepared_statements import prepared

WHY = {True: "superseded", False: "hold"}
"""By whether the arrears that it was arranged for are gone."""

_CALL_OFF = prepared(
    text("""
WITH arranged AS (
    SELECT a.id, a.loan_id, a.delinquent_since IS DISTINCT FROM l.delinquent_since AS needless
      FROM action a JOIN loan l ON l.id = a.loan_id
     WHERE a.loan_id = ANY(:loan_ids) AND a.status = 'assigned'
), calls AS (
    UPDATE call c SET cancelled_at = :now
      FROM arranged a
     WHERE c.action_id = a.id AND c.cancelled_at IS NULL
       AND (a.needless OR EXISTS (
           SELECT FROM hold h
            WHERE h.loan_id = a.loan_id AND h.starts_on <= :today
              AND coalesce(h.ends_on > :today, true)))
    RETURNING c.action_id, a.needless
), visits AS (
    UPDATE visit v SET cancelled_at = :now
      FROM arranged a
     WHERE v.action_id = a.id AND v.cancelled_at IS NULL AND v.starts_at > :now
       AND (a.needless OR EXISTS (
           SELECT FROM hold h
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
    """Call off the calls and the visits to come of arrears that these loans are no longer in.

    While a hold is in force nobody calls, and nobody visits on a day that a hold covers. The loans'
    positions must be up to date, and `now` in the lender's zone. Visitors are free again for
    others, and what was called off is planned anew if its arrears or its days come back. One
    statement, and one more for each reason where something was called off.
    """
    if not loan_ids:
        return
    off = connection.execute(
        _CALL_OFF,
        {"loan_ids": list(loan_ids), "now": now, "today": now.date(), "zone": str(now.tzinfo)},
    ).all()
    for needless, why in WHY.items():
        if ids := [one.action_id for one in off if one.needless is needless]:
            move_actions(connection, ids, Move(ActionStatus.CANCELLED, why), now)
