"""Dispatch: publish the tasks of actions whose due time has come."""

from collections.abc import Callable

from domain.actions import ActionType
from workers.context import Context
from workers.db.due_actions import take_due
from workers.queues import QUEUE_HOLDS

DISPATCH_BATCH_SIZE = 2_000


def dispatch_due_actions(
    ctx: Context, action_type: ActionType, announce: Callable[[dict[int, str]], None], waiting: int
) -> int:
    """Announce the due actions of one type, oldest first; returns how many.

    `announce` publishes one task for each id, and `waiting` is the number of messages that the
    queue holds already. A full queue gets no more: the backlog stays in the database. An action
    that still waits a lease after it was announced is announced again, for its message was lost.
    Actions reach their workers in no other way.
    """
    room = QUEUE_HOLDS - waiting
    if room <= 0:
        return 0
    with ctx.engine.begin() as connection:
        due = take_due(
            connection,
            action_type,
            ctx.now(),
            again_after=ctx.settings.lease,
            limit=min(room, DISPATCH_BATCH_SIZE),
        )
    if due:
        announce(due)
    return len(due)
