"""Repairs: what finds work that fell out of its path and puts it back. Each may run at any time."""

from __future__ import annotations

from collections.abc import Callable

from domain.actions import ActionType
from workers.context import Context
from workers.db.actions import take_due
from workers.queues import QUEUE_HOLDS

DISPATCH_BATCH_SIZE = 2_000


def dispatch_due_actions(
    ctx: Context, action_type: ActionType, announce: Callable[[list[int]], None], waiting: int
) -> int:
    """Announce actions of one kind whose time has come, oldest first; returns how many.

    Also those whose announcement was lost: one that still waits when its lease ends is announced
    again. This is the only way an action reaches its worker. While `waiting` messages fill the
    queue nothing is added: a backlog stays in the database, where it costs nothing.
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
