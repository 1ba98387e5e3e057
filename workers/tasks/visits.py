"""Field visits."""

from __future__ import annotations

from domain.actions import SCHEDULE_VISIT
from workers.actions.run import run_action
from workers.app import app
from workers.bootstrap import process_context
from workers.queues import QUEUE_FOR, task_name
from workers.visits import schedule


@app.task(name=task_name(QUEUE_FOR[SCHEDULE_VISIT], SCHEDULE_VISIT))
def schedule_visit(action_id: int) -> str:
    """Schedule the visit of one action."""
    return run_action(process_context(), action_id, schedule.schedule_visit)
