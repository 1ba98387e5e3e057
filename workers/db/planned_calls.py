"""The plan of calls as rows: who is to get which call, until it is given or planned anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from domain.reasons import Reasons
from workers.db.schema import call_plan
from workers.db.typed_rows import columns_of, typed_row

GOOD_FOR = timedelta(minutes=30)
"""How long a planned call may wait for its task before it is planned anew."""


class PlannedCall(NamedTuple):
    """Who is to get a call, as it was planned last."""

    staff_id: int | None
    minutes: int
    share: int
    reason: Reasons
    """Of a call that nobody gets: the limit that binds."""
    due_at: datetime | None
    planned_at: datetime


def planned_call(connection: Connection, action_id: int, now: datetime) -> PlannedCall | None:
    """The plan of an action; None: there is none that can be used."""
    of_action = select(*columns_of(PlannedCall, call_plan)).where(
        call_plan.c.action_id == action_id, *_is_good(now)
    )
    return typed_row(PlannedCall, connection.execute(of_action))


def take_planned(
    connection: Connection, action_ids: Sequence[int], asked: int, now: datetime
) -> PlannedCall | None:
    """The plan of the action asked for; the rows of all that are one call with it go."""
    columns = (*columns_of(PlannedCall, call_plan), call_plan.c.action_id, call_plan.c.day)
    gone = connection.execute(
        delete(call_plan).where(call_plan.c.action_id.in_(action_ids)).returning(*columns)
    ).all()
    for row in gone:
        if row.action_id == asked and row.day == now.date():
            return PlannedCall(*row[: len(PlannedCall._fields)])
    return None


def _is_good(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return call_plan.c.day == now.date(), call_plan.c.planned_at > now - GOOD_FOR


def store_plan(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Store the plan of today; that of another day goes."""
    connection.execute(delete(call_plan).where(call_plan.c.day < now.date()))
    ordered = sorted(rows, key=lambda row: row["action_id"])
    for start in range(0, len(ordered), 1000):
        given = insert(call_plan).values(ordered[start : start + 1000])
        connection.execute(
            given.on_conflict_do_update(
                index_elements=[call_plan.c.action_id],
                set_={
                    column.name: given.excluded[column.name]
                    for column in call_plan.c
                    if column.name != "action_id"
                },
            )
        )
