"""Assign a call: one transaction claims the action and gives the call to a collector.

This reaches nobody. The gate checks the call again when a collector starts it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, insert

from domain.actions import ASSIGN_CALL, ActionStatus, Move
from domain.collectors import Collector, NobodyFree, business_day, choose_collector
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.schema import call
from workers.db.staff import lock_collectors
from workers.gate.claim import ClaimedAction, claim, complete

SHIFTS_AHEAD = timedelta(days=7)
"""How far ahead to search for the next shift of a caller."""


def assign_call(ctx: Context, action_id: int) -> str:
    """Assign the call of one action to a collector. Returns the result in a word.

    If no collector is free, the action stays planned with the reason, and is due again when a
    collector should be free.
    """
    with ctx.engine.begin() as connection:
        claimed = claim(connection, ctx, action_id, ASSIGN_CALL)
        if claimed is None:
            return "nothing to do"
        today = business_day(claimed.now)
        collectors = lock_collectors(connection, claimed.now, today, claimed.now + SHIFTS_AHEAD)
        chosen = choose_collector(collectors, claimed.loan.locale, claimed.now)
        if isinstance(chosen, NobodyFree):
            due_at = chosen.try_again_at or today.ends_at
            move = Move(ActionStatus.PLANNED, chosen.reason, due_at=due_at)
            complete(connection, claimed, move, claimed.now)
            return "nobody free"
        _assign(connection, claimed, chosen)
        return "assigned"


def _assign(connection: Connection, claimed: ClaimedAction, collector: Collector) -> None:
    connection.execute(
        insert(call).values(
            loan_id=claimed.loan.loan_id,
            action_id=claimed.action_id,
            staff_id=collector.id,
            purpose=claimed.item.purpose or claimed.item.id,
            must_learn=list(claimed.item.must_learn),
            may_offer=list(claimed.item.may_offer),
            language=claimed.loan.locale,
            assigned_at=claimed.now,
        )
    )
    assigned = Move(
        ActionStatus.ASSIGNED, because(ReasonCode.COLLECTOR_HAS_CALL), claimed.verdict.rules
    )
    complete(connection, claimed, assigned, claimed.now)
