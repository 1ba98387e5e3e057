"""Tasks that run once a day: beat starts them every hour, and the first start of a day counts.

Beat forgets the time of its last start when it restarts. With one start a day, a restart each day
could delay a task for ever.
"""

from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from workers.db.schema import daily_run


def start_today(engine: Engine, task: str, now: datetime) -> bool:
    """Record the start of a task on the business date of `now`, which is in the lender's zone.

    False if it was started on that date before.
    """
    first = insert(daily_run).values(task=task, business_date=now.date(), started_at=now)
    with engine.begin() as connection:
        return connection.execute(first.on_conflict_do_nothing()).rowcount == 1
