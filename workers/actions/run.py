"""Run one action; an error that nobody foresaw quarantines that action only."""

import logging
from collections.abc import Callable
from pkgutil import resolve_name
from typing import cast
from uuid import uuid4

from sqlalchemy import select

from domain.actions import ActionStatus, ActionType, Move
from domain.reasons import ReasonCode, Reasons
from workers.context import Context
from workers.db.action_claims import claim_action
from workers.db.actions import move_actions
from workers.db.schema import action
from workers.failures import TRANSIENT_ERRORS, log_summary, reason_of_failure
from workers.messaging.backoff import MOST_FAILURES, back_off

log = logging.getLogger(__name__)


def use_case(action_type: ActionType) -> Callable[[Context, int], str]:
    """The function that carries out one action of this type."""
    return cast("Callable[[Context, int], str]", resolve_name(action_type.use_case))


def run_action(ctx: Context, action_id: int, carry_out: Callable[[Context, int], str]) -> str:
    """Carry out one action; an unforeseen error quarantines this action only, with its reason.

    The error rolled back the claim, so the action certainly had no effect. An action that failed
    after its effect is still claimed: `mark_lost_claims` finds it. If the database cannot be
    reached the action stays due, and is dispatched again.

    Raises:
        Exception: one of `TRANSIENT_ERRORS`, which are not the action's fault.
    """
    try:
        return carry_out(ctx, action_id)
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        log.error("action %s failed: %s", action_id, log_summary(error))
        _quarantine(ctx, action_id, reason_of_failure(error, ReasonCode.FAILED))
        return "quarantined"


def _quarantine(ctx: Context, action_id: int, reason: Reasons) -> None:
    now = ctx.now()
    token = uuid4()
    with ctx.engine.begin() as connection:
        if not claim_action(connection, action_id, token, now, ctx.settings.lease):
            return
        failures = connection.execute(
            select(action.c.attempts).where(action.c.id == action_id)
        ).scalar_one()
        move = (
            Move(ActionStatus.DEAD, reason)
            if failures + 1 >= MOST_FAILURES
            else Move(ActionStatus.FAILED, reason, due_at=now + back_off(failures))
        )
        move_actions(connection, [action_id], move, now, token=token)
