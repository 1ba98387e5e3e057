"""Approval: a named role says yes, and the action that waited for it may be claimed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from domain.errors import ArrearsError
from domain.ladder import find_ladder
from domain.statuses import ActionStatus
from workers.house import House
from workers.store.actions import Move, move_actions
from workers.store.book import lock_loan
from workers.store.schema import action, approval


def approve(house: House, loan_external_id: str, item: str, by: str, role: str) -> int:
    """Approve the item of a loan that waits for it, and plan it for now. Returns the action's id.

    `by` is the lender's own reference of the person, whose role the caller has made sure of. The
    approval and the move are one transaction: of two approvals at once, one is told that nothing
    waits any more.

    Raises:
        ArrearsError: the loan is not known, nothing waits for approval, or another role must give
            it.
    """
    now = house.now()
    with house.engine.begin() as connection:
        loan = lock_loan(connection, loan_external_id)
        if loan is None:
            raise ArrearsError(f"Loan {loan_external_id} is not known. Check its number.")
        waiting = _waiting(connection, loan.id, item)
        if waiting is None:
            raise ArrearsError(
                f"Nothing awaits approval as {item} for loan {loan_external_id}. "
                f"`arrears explain {loan_external_id}` shows where it stands."
            )
        ladder = find_ladder(house.policy.ladders, waiting.ladder_id, waiting.ladder_version)
        needed = ladder.item(item).approval
        if role != needed:
            raise ArrearsError(
                f"{item} for loan {loan_external_id} is for a {needed} to approve, and {by} acts "
                f"as a {role}. Ask a {needed}."
            )
        _approve(connection, waiting.id, by, role, now)
        return int(waiting.id)


def _waiting(connection: Connection, loan_id: int, item: str) -> Row[*tuple[Any, ...]] | None:
    """What waits for approval; of several anchors at most one has not been called off."""
    return connection.execute(
        select(action.c.id, action.c.ladder_id, action.c.ladder_version)
        .where(
            action.c.loan_id == loan_id,
            action.c.item == item,
            action.c.status == ActionStatus.AWAITING_APPROVAL,
        )
        .order_by(action.c.anchor_on.desc())
        .limit(1)
    ).one_or_none()


def _approve(connection: Connection, action_id: int, by: str, role: str, now: datetime) -> None:
    connection.execute(
        insert(approval)
        .values(action_id=action_id, role=role, approved_by=by, approved_at=now)
        # An action that was skipped and came back needs another yes, and the newest one counts.
        .on_conflict_do_update(
            index_elements=[approval.c.action_id],
            set_={"role": role, "approved_by": by, "approved_at": now},
        )
    )
    move = Move(ActionStatus.PLANNED, f"approved by a {role}", due_at=now)
    move_actions(connection, [action_id], move, now)
