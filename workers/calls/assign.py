"""Assign a call: one transaction claims the action and gives the call to a collector.

This reaches nobody. The gate checks the call again when a collector starts it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert

from domain.actions import ASSIGN_CALL, ActionStatus, Move
from domain.collectors import Collector, NobodyFree, business_day, choose_collector
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.schema import call
from workers.db.staff import lock_collectors
from workers.gate.claim import ClaimedAction, claim_together, complete_together

SHIFTS_AHEAD = timedelta(days=7)
"""How far ahead to search for the next shift of a caller."""


def assign_call(ctx: Context, action_id: int) -> str:
    """Assign the call of one action to a collector. Returns the result in a word.

    Calls that are due today for several loans of one person are one call.
    If no collector is free, the action stays planned with the reason, and is due again when a
    collector should be free.
    """
    with ctx.engine.begin() as connection:
        claimed = claim_together(connection, ctx, action_id, ASSIGN_CALL)
        if not claimed:
            return "nothing to do"
        now = claimed[0].now
        today = business_day(now)
        collectors = lock_collectors(connection, now, today, now + SHIFTS_AHEAD)
        chosen = choose_collector(collectors, claimed[0].loan.locale, now)
        if isinstance(chosen, NobodyFree):
            due_at = chosen.try_again_at or today.ends_at
            move = Move(ActionStatus.PLANNED, chosen.reason, due_at=due_at)
            complete_together(connection, claimed, move, now)
            return "nobody free"
        _assign(connection, claimed, chosen)
        return "assigned"


def _assign(connection: Connection, claimed: Sequence[ClaimedAction], collector: Collector) -> None:
    """Write one call, with a row for each loan, and move the actions."""
    first, *others = ({**_call(action), "staff_id": collector.id} for action in claimed)
    first_id = connection.execute(insert(call).values(first).returning(call.c.id)).scalar_one()
    if others:
        insert_rows(connection, call, [{**other, "part_of": first_id} for other in others])
    moves = defaultdict[Move, list[ClaimedAction]](list)
    for action in claimed:
        instead = action.passed_over if action.representative else ()
        why = instead + because(ReasonCode.COLLECTOR_HAS_CALL)
        moves[Move(ActionStatus.ASSIGNED, why, action.verdict.rules)].append(action)
    for move, actions in moves.items():
        complete_together(connection, actions, move, actions[0].now)


def _call(action: ClaimedAction) -> dict[str, Any]:
    return {
        "loan_id": action.loan.loan_id,
        "action_id": action.action_id,
        "purpose": action.item.purpose or action.item.id,
        "must_learn": list(action.item.must_learn),
        "may_offer": list(action.item.may_offer),
        "language": action.loan.locale,
        "assigned_at": action.now,
    }
