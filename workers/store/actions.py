"""Actions in the store: every move is guarded by the transition table and leaves its event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    any_,
    cast,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.gate import ON_HOLD
from domain.ladder import Work
from domain.statuses import CLAIMABLE, ActionStatus, sources
from workers.store import news
from workers.store.outbox import tell
from workers.store.schema import action, action_event
from workers.store.taking import not_since, update_first


@dataclass(frozen=True, slots=True)
class Move:
    """Where actions go, and why."""

    to: ActionStatus
    reason: str
    rules: tuple[str, ...] = ()
    due_at: datetime | None = None


def move_actions(
    connection: Connection,
    action_ids: Collection[int],
    move: Move,
    now: datetime,
    *,
    token: UUID | None = None,
) -> int:
    """Move those of the actions whose status allows it, and say how many moved. One statement.

    With a `token` only an action still claimed by it moves: a worker whose claim has lapsed writes
    nothing. Work that is done or given up is told to the lender's systems, with one more.
    """
    before = (
        select(action.c.id, action.c.status)
        .where(
            action.c.id == any_(cast(list(action_ids), ARRAY(BigInteger))),
            action.c.status.in_(sources(move.to)),
            action.c.claim_token == token if token else literal(True),
        )
        .with_for_update()
        .cte("before")
    )
    moved = (
        update(action)
        .where(action.c.id == before.c.id)
        .values(
            status=move.to,
            reason=move.reason,
            rules=list(move.rules),
            due_at=move.due_at,
            attempts=action.c.attempts + (1 if move.to is ActionStatus.FAILED else 0),
            claim_token=None,
            claimed_until=None,
            woken_at=None,
            changed_at=now,
        )
        .returning(
            action.c.id,
            action.c.loan_id,
            action.c.work,
            action.c.step,
            action.c.item,
            action.c.anchor_on,
            before.c.status,
        )
        .cte("moved")
    )
    noted = (
        insert(action_event)
        .from_select(
            ["action_id", "at", "from_status", "to_status", "due_at", "reason", "rules"],
            select(
                moved.c.id,
                literal(now, action_event.c.at.type),
                moved.c.status,
                literal(str(move.to)),
                literal(move.due_at, action_event.c.due_at.type),
                literal(move.reason),
                cast(list(move.rules), ARRAY(Text)),
            ),
        )
        .cte("noted")
    )
    rows = connection.execute(select(moved).order_by(moved.c.id).add_cte(noted)).all()
    tell(connection, news.of_moved_actions(rows, move.to, move.reason), now)
    return len(rows)


def claim_action(
    connection: Connection, action_id: int, token: UUID, now: datetime, lease: timedelta
) -> bool:
    """Take the action for one worker until the lease ends; False if it is not to be had."""
    claimed = connection.execute(
        update(action)
        .where(
            action.c.id == action_id,
            action.c.status.in_(CLAIMABLE),
            action.c.due_at <= now,
        )
        .values(
            status=ActionStatus.CLAIMED,
            claim_token=token,
            claimed_until=now + lease,
            changed_at=now,
        )
    )
    return claimed.rowcount == 1


def ask_again(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Let deferred actions that waited for a fact, not for a moment, come before the gate again.

    So do those that waited for the end of a hold, for that may have come sooner.
    """
    if not loan_ids:
        return
    connection.execute(
        update(action)
        .where(
            action.c.loan_id == any_(cast(list(loan_ids), ARRAY(BigInteger))),
            action.c.status == ActionStatus.DEFERRED,
            or_(action.c.due_at.is_(None), action.c.rules.contains([ON_HOLD])),
        )
        .values(due_at=now)
    )


def wake_due(
    connection: Connection, work: Work, now: datetime, *, again_after: timedelta, limit: int
) -> list[int]:
    """Take up to `limit` actions whose time has come, to be announced to their workers.

    One that was announced longer ago than `again_after` and still waits is announced again: its
    message must have been lost. Oldest first; two callers at once take different ones.
    """
    due = and_(
        action.c.work == work,
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= now,
        not_since(action.c.woken_at, now - again_after),
    )
    first = update_first(action, due, (action.c.due_at,), limit)
    woken = connection.execute(first.values(woken_at=now).returning(action.c.id))
    return list(woken.scalars())
