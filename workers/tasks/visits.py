"""Field visits."""

from __future__ import annotations

from domain.ladder import Work
from workers.actions.retries import take_up
from workers.app import app
from workers.context import the_house
from workers.queues import QUEUE_FOR, task_name
from workers.visits import schedule as visiting


@app.task(name=task_name(QUEUE_FOR[Work.SCHEDULE_VISIT], Work.SCHEDULE_VISIT))
def schedule_visit(action_id: int) -> str:
    """Schedule the visit of one action."""
    return take_up(the_house(), action_id, visiting.schedule_visit)
