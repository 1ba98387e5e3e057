"""Calls and visits that people are to make: called off when their arrears are gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

_CALL_OFF = text("""
WITH needless AS (
    SELECT a.id FROM action a JOIN loan l ON l.id = a.loan_id
     WHERE a.loan_id = ANY(:loan_ids) AND a.status = 'done'
       AND a.work IN ('assign_call', 'schedule_visit')
       AND a.anchor_on IS DISTINCT FROM l.anchor_on
), calls AS (
    UPDATE call SET cancelled_at = :now
     WHERE action_id IN (SELECT id FROM needless) AND cancelled_at IS NULL
), visits AS (
    UPDATE visit SET cancelled_at = :now
     WHERE action_id IN (SELECT id FROM needless) AND cancelled_at IS NULL AND starts_at > :now
    RETURNING id
)
DELETE FROM visit_staff WHERE visit_id IN (SELECT id FROM visits)
""")


def call_off_appointments(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Call off the calls and the visits to come of arrears that these loans are no longer in.

    The loans' positions must be up to date. Visitors are free again for others. One statement.
    """
    connection.execute(_CALL_OFF, {"loan_ids": list(loan_ids), "now": now})
