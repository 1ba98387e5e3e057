"""Repairs: what finds work that fell out of its path and puts it back. Each may run at any time."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update

from domain.ladder import Work
from domain.statuses import ActionStatus, MessageStatus
from workers.context import House
from workers.db.actions import Move, move_actions, wake_due
from workers.db.schema import action, message
from workers.queues import QUEUE_HOLDS

WAKE_AT_ONCE = 2_000


def wake_due_actions(
    house: House, work: Work, announce: Callable[[list[int]], None], waiting: int
) -> int:
    """Announce actions of one kind whose time has come, oldest first; returns how many.

    Also those whose announcement was lost: one that still waits when its lease ends is announced
    again. This is the only way an action reaches its worker. While `waiting` messages fill the
    queue nothing is added: a backlog stays in the database, where it costs nothing.
    """
    room = QUEUE_HOLDS - waiting
    if room <= 0:
        return 0
    with house.engine.begin() as connection:
        due = wake_due(
            connection,
            work,
            house.now(),
            again_after=house.settings.lease,
            limit=min(room, WAKE_AT_ONCE),
        )
    if due:
        announce(due)
    return len(due)


def mark_lost_claims(house: House) -> int:
    """A text whose sender died between reserving and recording may have gone out: mark it unknown.

    Nothing else can be left claimed: the other kinds of work claim and finish in one transaction.
    Returns how many were found.
    """
    now = house.now()
    lost = (
        select(action.c.id)
        .where(action.c.status == ActionStatus.CLAIMED, action.c.claimed_until < now)
        .order_by(action.c.id)
        .limit(WAKE_AT_ONCE)
    )
    with house.engine.begin() as connection:
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
