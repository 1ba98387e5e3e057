"""Dead letters: actions that were given up. A person retries or discards one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, update

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.messages import UNSENT
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import of_action
from workers.db.schema import action, action_event, loan, message
from workers.db.typed_rows import typed_row, typed_rows


@dataclass(frozen=True, slots=True)
class DeadAction:
    """An action that was given up. Holds no personal data."""

    action: int
    loan: str
    item: str
    action_type: str
    status: str
    attempts: int
    """How many times it failed."""
    reason: Reasons
    since: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """One move of an action."""

    at: datetime
    was: str
    became: str
    reason: Reasons


@dataclass(frozen=True, slots=True)
class Tried:
    """One text of an action."""

    message: UUID
    at: datetime
    provider: str
    status: str
    code: str | None
    sid: str | None


@dataclass(frozen=True, slots=True)
class History:
    """All that happened to an action, oldest first."""

    action: DeadAction
    moves: tuple[Moved, ...]
    texts: tuple[Tried, ...]


def read_dead(connection: Connection, zone: tzinfo) -> tuple[DeadAction, ...]:
    """Every action that was given up, oldest first; moments are in `zone`."""
    dead = _actions().where(action.c.status == ActionStatus.DEAD)
    rows = connection.execute(dead.order_by(action.c.changed_at, action.c.id))
    return tuple(_dead_action(row, zone) for row in typed_rows(_StoredAction, rows))


def read_history(connection: Connection, action_id: int, zone: tzinfo) -> History:
    """Every move and every text of one action, whatever its status; moments are in `zone`.

    Raises:
        ArrearsError: there is no such action.
    """
    named = connection.execute(_actions().where(action.c.id == action_id))
    if (row := typed_row(_StoredAction, named)) is None:
        raise _not_known(action_id)
    moves = connection.execute(
        select(
            action_event.c.at,
            action_event.c.from_status,
            action_event.c.to_status,
            action_event.c.reason,
        )
        .where(action_event.c.action_id == action_id)
        .order_by(action_event.c.id)
    )
    texts = connection.execute(
        select(
            message.c.id,
            message.c.created_at,
            message.c.provider,
            message.c.status,
            message.c.code,
            message.c.sid,
        )
        .where(of_action(action_id))
        .order_by(message.c.contact_id)
    )
    return History(
        _dead_action(row, zone),
        tuple(Moved(at.astimezone(zone), *rest) for at, *rest in moves),
        tuple(Tried(id, at.astimezone(zone), *rest) for id, at, *rest in texts),
    )


def retry(ctx: Context, action_id: int, actor: Actor, *, dry_run: bool = False) -> DeadAction:
    """Plan a dead action for now, as if it had never failed. The claim asks the gate, as always.

    `actor` is the person who retries it. With `dry_run` everything is checked and nothing is
    written. Returns the action as it was.

    Raises:
        ArrearsError: there is no such action, it is not dead, or the provider accepted a text of
            it, which is never sent a second time.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = _lock_dead(connection, action_id)
        if _text_went_out(connection, action_id):
            raise ArrearsError(
                f"Action {action_id} cannot go again: the provider took its text, and no item is "
                f"texted twice. Reach the borrower of loan {stored.external_id} another way."
            )
        if not dry_run:
            move = Move(ActionStatus.PLANNED, because(ReasonCode.RETRIED, actor=actor), due_at=now)
            move_actions(connection, [action_id], move, now)
            connection.execute(update(action).where(action.c.id == action_id).values(attempts=0))
    return _dead_action(stored, ctx.settings.lender_zone)


def discard(ctx: Context, action_id: int, actor: Actor, *, dry_run: bool = False) -> DeadAction:
    """Discard a dead action: it is never done. Returns it as it was.

    Raises:
        ArrearsError: there is no such action, or it is not dead.
    """
    with ctx.engine.begin() as connection:
        stored = _lock_dead(connection, action_id)
        if not dry_run:
            move = Move(ActionStatus.DISCARDED, because(ReasonCode.DISCARDED, actor=actor))
            move_actions(connection, [action_id], move, ctx.now())
    return _dead_action(stored, ctx.settings.lender_zone)


class _StoredAction(NamedTuple):
    id: int
    external_id: str
    item: str
    type: str
    status: str
    attempts: int
    reason: Reasons
    changed_at: datetime


def _actions() -> Select[*tuple[Any, ...]]:
    return select(
        action.c.id,
        loan.c.external_id,
        action.c.item,
        action.c.type,
        action.c.status,
        action.c.attempts,
        action.c.reason,
        action.c.changed_at,
    ).join_from(action, loan)


def _dead_action(row: _StoredAction, zone: tzinfo) -> DeadAction:
    return DeadAction(
        action=row.id,
        loan=row.external_id,
        item=row.item,
        action_type=row.type,
        status=row.status,
        attempts=row.attempts,
        reason=row.reason,
        since=row.changed_at.astimezone(zone),
    )


def _lock_dead(connection: Connection, action_id: int) -> _StoredAction:
    named = _actions().where(action.c.id == action_id).with_for_update(of=action)
    if (stored := typed_row(_StoredAction, connection.execute(named))) is None:
        raise _not_known(action_id)
    if stored.status != ActionStatus.DEAD:
        raise ArrearsError(
            f"Action {action_id} is {stored.status}: only one that is dead can be retried or "
            "discarded. `arrears actions dead-letters` shows those."
        )
    return stored


def _not_known(action_id: int) -> ArrearsError:
    return ArrearsError(
        f"There is no action {action_id}. `arrears actions dead-letters` shows those that were "
        "given up."
    )


def _text_went_out(connection: Connection, action_id: int) -> bool:
    """Whether a text of the action may have been sent."""
    return (
        connection.execute(
            select(message.c.id).where(
                message.c.action_id == action_id, message.c.status.not_in(UNSENT)
            )
        ).first()
        is not None
    )


NEXT_COMMAND = {
    ActionStatus.FAILED: "arrears explain {loan}",
    ActionStatus.DEAD: "arrears actions show {action}",
}
"""By status, the command that shows what happened to an action."""


@dataclass(frozen=True, slots=True)
class StuckActions:
    """Actions with one status for one reason. Holds no personal data."""

    status: str
    """`failed`: it is tried again automatically; `dead`: a person must retry or discard it."""
    reason: Reasons
    count: int
    newest: int
    """The number of the action that got this status last."""
    loan: str
    """Its loan."""
    item: str
    since: datetime
    """When the newest got this status, in the lender's zone."""
    command: str
    """The command that shows more about the newest."""


def read_stuck(connection: Connection, zone: tzinfo) -> tuple[StuckActions, ...]:
    """All actions that fail or were given up, by status and reason; the newest first."""
    same = (action.c.status, action.c.reason)
    ranked = (
        select(
            *same,
            action.c.id,
            action.c.item,
            action.c.changed_at,
            loan.c.external_id.label("loan"),
            func.count().over(partition_by=same).label("how_many"),
            func.row_number()
            .over(partition_by=same, order_by=(action.c.changed_at.desc(), action.c.id.desc()))
            .label("rank"),
        )
        .join_from(action, loan)
        .where(action.c.status.in_(NEXT_COMMAND))
        .subquery()
    )
    rows = connection.execute(
        select(ranked)
        .where(ranked.c.rank == 1)
        .order_by(ranked.c.changed_at.desc(), ranked.c.id.desc())
    )
    return tuple(
        StuckActions(
            status=row.status,
            reason=row.reason,
            count=row.how_many,
            newest=row.id,
            loan=row.loan,
            item=row.item,
            since=row.changed_at.astimezone(zone),
            command=NEXT_COMMAND[ActionStatus(row.status)].format(loan=row.loan, action=row.id),
        )
        for row in rows
    )
