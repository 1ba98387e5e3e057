"""The rest: how many contacts were lost, how many of them were found, and what nobody explains.

Calls and visits are on no provider's list. Who made them reports them again, or nobody does.
"""

from sqlalchemy import Connection, func, select

from domain.recovery import RecoveryStep, StepStatus
from workers.db.schema import contact, recovered_text, recovery, sending_hold
from workers.recovery.step import Result, Task


def count_rest(task: Task) -> Result:
    """Hold what the providers had against what the sending counter's file says was lost."""
    day = func.date(func.timezone(task.ctx.settings.zone, recovered_text.c.at))
    with task.ctx.engine.connect() as connection:
        lost = _lost(connection, task)
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


def _lost(connection: Connection, task: Task) -> int:
    """How many numbers of contacts the database lacked when sending was stopped. Some of them may
    have been of transactions that failed."""
    known = select(func.max(sending_hold.c.found["counter"].as_integer())).where(
        sending_hold.c.id.in_([hold.id for hold in task.holds])
    )
    found_again = select(recovered_text.c.contact_id).where(
        recovered_text.c.contact_id.is_not(None)
    )
    newest = select(func.coalesce(func.max(contact.c.id), 0)).where(
        contact.c.at <= task.stopped_at, contact.c.id.not_in(found_again)
    )
    counter = connection.execute(known).scalar()
    return max(0, counter - connection.execute(newest).scalar_one()) if counter else 0
