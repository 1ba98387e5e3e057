"""Approval: a named role says yes, and the action that waited for it may be claimed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.ladder import find_ladder
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.loans import lock_known_loan
from workers.db.schema import action, approval
from workers.db.staff import roles_of


def approve(ctx: Context, loan_external_id: str, item: str, actor: Actor) -> int:
    """Approve the item of a loan that waits for it, and plan it for now. Returns the action's id.

    `by` is the lender's own reference of a person on the roster, who must have the role that the
    ladder asks for. The approval and the move are one transaction: of two approvals at once, one is
    told that nothing waits any more.

    Raises:
        ArrearsError: the loan is not known, nothing waits for approval, or `by` may not give it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        action_id, role = _to_decide(connection, ctx, loan_external_id, item, actor)
        _record(connection, action_id, actor, role, now)
        move = Move(ActionStatus.PLANNED, f"approved by a {role}", due_at=now)
        move_actions(connection, [action_id], move, now)
        return action_id


def refuse(ctx: Context, loan_external_id: str, item: str, actor: Actor, why: str) -> int:
    """Say no to the item of a loan that waits for approval: it is dropped, with the reason.

    Who may refuse is who may approve. Returns the action's id.

    Raises:
        ArrearsError: as for `approve`.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        action_id, role = _to_decide(connection, ctx, loan_external_id, item, actor)
        move = Move(ActionStatus.DROPPED, f"refused by {actor}, a {role}: {why}")
        move_actions(connection, [action_id], move, now)
        return action_id


def _to_decide(
    connection: Connection, ctx: Context, loan_external_id: str, item: str, actor: Actor
) -> tuple[int, str]:
    """The action that waits for a yes, and the role in which `by` may decide it."""
    loan = lock_known_loan(connection, loan_external_id)
    waiting = _waiting(connection, loan.id, item)
    if waiting is None:
        raise ArrearsError(
            f"Nothing awaits approval as {item} for loan {loan_external_id}. "
            f"`arrears explain {loan_external_id}` shows where it stands."
        )
    ladder = find_ladder(ctx.policy.ladders, waiting.ladder_id, waiting.ladder_version)
    needed = str(ladder.item(item).approval)
    roles = roles_of(connection, actor)
    if needed not in roles:
        raise ArrearsError(
            f"{item} for loan {loan_external_id} is for a {needed} to approve, and {actor} is on "
            f"the "
            f"roster as {' and '.join(roles) or 'nothing'}. Ask a {needed}."
        )
    return int(waiting.id), needed


def _waiting(connection: Connection, loan_id: int, item: str) -> Row[*tuple[Any, ...]] | None:
    """What waits for approval; of several delinquent_since at most one has not been called off."""
    return connection.execute(
        select(action.c.id, action.c.ladder_id, action.c.ladder_version)
        .where(
            action.c.loan_id == loan_id,
            action.c.item == item,
            action.c.status == ActionStatus.AWAITING_APPROVAL,
        )
        .order_by(action.c.delinquent_since.desc())
        .limit(1)
    ).one_or_none()


def _record(connection: Connection, action_id: int, actor: Actor, role: str, now: datetime) -> None:
    connection.execute(
        insert(approval)
        .values(action_id=action_id, role=role, actor=actor.reference, approved_at=now)
        # An action that was skipped and came back needs another yes, and the newest one counts.
        .on_conflict_do_update(
            index_elements=[approval.c.action_id],
            set_={"role": role, "actor": actor.reference, "approved_at": now},
        )
    )
