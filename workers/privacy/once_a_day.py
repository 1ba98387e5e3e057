"""What runs once a day: beat starts it every hour, and the first of a business date counts.

Beat does not remember over a restart when it last started something: a tick a day could be put off
for ever by a restart a day.
"""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from workers.context import Context
from workers.db.schema import daily_run


def begins_today(ctx: Context, task: str) -> bool:
    """Whether nobody has begun this task on today's business date; then we have."""
    first = insert(daily_run).values(task=task, business_date=ctx.today(), started_at=ctx.now())
    with ctx.engine.begin() as connection:
        return connection.execute(first.on_conflict_do_nothing()).rowcount == 1
