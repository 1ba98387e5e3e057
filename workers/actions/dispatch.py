"""Repairs: what finds work that fell out of its path and puts it back. Each may run at any time."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update

from domain.ladder import ActionType
from domain.statuses import ActionStatus, MessageStatus
from workers.context import Context
from workers.db.actions import Move, move_actions, take_due
from workers.db.schema import action, message
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


def mark_lost_claims(ctx: Context) -> int:
    """A text whose sender died between reserving and recording may have gone out: mark it unknown.

    Nothing else can be left claimed: the other kinds of work claim and finish in one transaction.
    Returns how many were found.
    """
    now = ctx.now()
    lost = (
        select(action.c.id)
        .where(action.c.status == ActionStatus.CLAIMED, action.c.claimed_until < now)
        .order_by(action.c.id)
        .limit(DISPATCH_BATCH_SIZE)
    )
    with ctx.engine.begin() as connection:
        ids = list(connection.execute(lost).scalars())
        if not ids:
            return 0
        # The message first, as everywhere else, so that two who meet here cannot block each other.
        connection.execute(
            update(message)
            .where(message.c.action_id.in_(ids), message.c.status == MessageStatus.RESERVED)
            .values(status=MessageStatus.UNKNOWN, changed_at=now)
        )
        why = "its sender stopped before it recorded the provider's answer"
        return move_actions(connection, ids, Move(ActionStatus.UNKNOWN, why), now)
