"""Tasks that run once a day: beat starts them every hour, and the first start of a day counts.

Beat forgets the time of its last start when it restarts. With one start a day, a restart each day
could delay a task for ever.
"""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from workers.context import Context
from workers.db.schema import daily_run


def begins_today(ctx: Context, task: str) -> bool:
    """Record the start of a task on today's business date; False if it was started today before."""
    first = insert(daily_run).values(task=task, business_date=ctx.today(), started_at=ctx.now())
    with ctx.engine.begin() as connection:
        return connection.execute(first.on_conflict_do_nothing()).rowcount == 1
