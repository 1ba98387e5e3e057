"""Trying again: how long to wait, when to give up, and what an unforeseen error does."""

from __future__ import annotations

import logging
import random
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError
from domain.statuses import ActionStatus
from workers.context import Context
from workers.db.actions import Move, claim_action, move_actions
from workers.db.schema import action

log = logging.getLogger(__name__)

TRANSIENT_ERRORS = (OperationalError, SoftTimeLimitExceeded)
"""What ends a task and blames nothing in it: the database is away or a lock was not had in time, or
the task's time is over. The work stays as it was, and is announced again."""

MOST_FAILURES = 12
"""Certain failures after which an action is dead: about five hours of trying."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
MOST_DOUBLINGS = 20
"""Far beyond the longest wait, and far from what a timedelta can hold."""


SPREAD = 0.25
"""How much longer or shorter a wait may be than it should: what failed at once, as texts do while
their provider is away, is not to come back at once."""

CHANCE = random.SystemRandom()


def back_off(
    failures: int, *, at_least: timedelta | None = None, chance: random.Random = CHANCE
) -> timedelta:
    """How long to wait after one failure more than `failures`; about twice as long each time."""
    doublings = min(failures, MOST_DOUBLINGS)
    wait: timedelta = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return max(wait * chance.uniform(1 - SPREAD, 1 + SPREAD), at_least or timedelta())


def run_action(ctx: Context, action_id: int, carry_out: Callable[[Context, int], str]) -> str:
    """Carry out one action; an unforeseen error puts aside this action alone, with its reason.

    The error has rolled back the claim, so nothing happened: the action failed for certain. One
    that failed after its effect is still claimed, and is left to `mark_lost_claims`. A database
    that is away is no fault of the action's: it stays due, and is announced again.
    """
    try:
        return carry_out(ctx, action_id)
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        log.error("action %s failed: %s", action_id, log_summary(error))
        _quarantine(ctx, action_id, user_message(error, "It could not be carried out"))
        return "put aside"


def user_message(error: Exception, what_failed: str) -> str:
    """What to put on record of an error: its own sentence if it was written for people.

    Any other may quote personal data, and only its type is named.
    """
    if isinstance(error, ArrearsError):
        return str(error)
    return f"{what_failed} ({type(error).__name__}). See the log of the worker."


def log_summary(error: Exception) -> str:
    """An error's type and where it arose. Its own words may quote what must not be logged."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(error).__name__} in {places}"


def _quarantine(ctx: Context, action_id: int, reason: str) -> None:
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
