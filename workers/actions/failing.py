"""Actions that fail or were given up: how many for each reason, and the newest of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, func, select

from domain.statuses import ActionStatus
from workers.db.schema import action, loan

DO_FOR = {
    ActionStatus.FAILED: "arrears explain {loan}",
    ActionStatus.DEAD: "arrears dead show {action}",
}
"""The command to type about one of each kind: it shows what happened and leads on from there."""


@dataclass(frozen=True, slots=True)
class StuckActions:
    """Actions with one status for one reason. Holds no personal data."""

    status: str
    """`failed`: it is tried again by itself; `dead`: a person must resume or drop it."""
    reason: str
    """A sentence."""
    count: int
    newest: int
    """The number of the action that came there last."""
    loan: str
    """Its loan."""
    item: str
    since: datetime
    """When the newest came there, in the lender's zone."""
    command: str
    """What to type to see more of the newest."""


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
            .label("place"),
        )
        .join_from(action, loan)
        .where(action.c.status.in_(DO_FOR))
        .subquery()
    )
    rows = connection.execute(
        select(ranked)
        .where(ranked.c.place == 1)
        .order_by(ranked.c.changed_at.desc(), ranked.c.id.desc())
    )
    return tuple(
        StuckActions(
            status=row.status,
            reason=row.reason or "",
            count=row.how_many,
            newest=row.id,
            loan=row.loan,
            item=row.item,
            since=row.changed_at.astimezone(zone),
            command=DO_FOR[ActionStatus(row.status)].format(loan=row.loan, action=row.id),
        )
        for row in rows
    )
