"""Repairs: what finds work that fell out of its path and puts it back. Each may run at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from domain.ladder import Work
from domain.statuses import ActionStatus, MessageStatus
from workers.house import House
from workers.store.actions import Move, move_actions, wake_due
from workers.store.schema import action, message

WAKE_AT_ONCE = 2_000
WAKE_AGAIN_AFTER = timedelta(minutes=5)


def wake_due_actions(house: House, announce: Callable[[Work, list[int]], None]) -> int:
    """Announce every action whose time has come; returns how many.

    Also those whose announcement was lost: one that still waits after five minutes is announced
    again. This is the only way an action reaches its worker.
    """
    woken = 0
    while True:
        now = house.now()
        with house.engine.begin() as connection:
            due = wake_due(connection, now, again_after=WAKE_AGAIN_AFTER, limit=WAKE_AT_ONCE)
        for work in Work:
            if ids := [woken_action.id for woken_action in due if woken_action.work == work]:
                announce(work, ids)
        woken += len(due)
        if len(due) < WAKE_AT_ONCE:
            return woken


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
        why = "its sender stopped before it recorded the provider's answer"
        found = move_actions(connection, ids, Move(ActionStatus.UNKNOWN, why), now)
        connection.execute(
            update(message)
            .where(message.c.action_id.in_(ids), message.c.status == MessageStatus.RESERVED)
            .values(status=MessageStatus.UNKNOWN, changed_at=now)
        )
        return found
