"""The rest: how many contacts were lost, how many of them were found, and what nobody explains.

Calls and visits are on no provider's list. Who made them reports them again, or nobody does.
"""

from sqlalchemy import func, select

from domain.reasons import ReasonCode, Reasons
from domain.recovery import RecoveryStep, StepStatus
from workers.db.schema import recovered_text, recovery
from workers.recovery.step import Result, Task


def count_rest(task: Task) -> Result:
    """Hold what the providers had against what the sending counter's file says was lost."""
    lost = max((_lost(hold.why) for hold in task.holds), default=0)
    day = func.date(func.timezone(task.ctx.settings.zone, recovered_text.c.at))
    with task.ctx.engine.connect() as connection:
        by_day = {
            str(row.day): row.texts
            for row in connection.execute(
                select(day.label("day"), func.count().label("texts"))
                .join(recovery, recovery.c.id == recovered_text.c.recovery_id)
                .where(recovery.c.id == task.recovery_id)
                .group_by(day)
                .order_by(day)
            )
        }
    texts = sum(by_day.values())
    counts = {"lost_contacts": lost, "found_texts": texts, "unexplained": max(0, lost - texts)}
    return Result(RecoveryStep.REST, StepStatus.DONE, {**counts, "texts_by_day": by_day})


def _lost(why: Reasons) -> int:
    """How many numbers of contacts the database lacked when sending was stopped. Some of them may
    have been of transactions that failed."""
    for reason in why:
        if reason.code is ReasonCode.DATABASE_OLDER:
            return int(str(reason.params["file"])) - int(str(reason.params["database"]))
    return 0
