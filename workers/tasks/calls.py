"""Calls."""

from __future__ import annotations

from domain.ladder import Work
from workers.actions.retries import take_up
from workers.app import app
from workers.calls import assign as calling
from workers.context import the_house
from workers.queues import QUEUE_FOR, task_name


@app.task(name=task_name(QUEUE_FOR[Work.ASSIGN_CALL], Work.ASSIGN_CALL))
def assign_call(action_id: int) -> str:
    """Assign the call of one action to a collector."""
    return take_up(the_house(), action_id, calling.assign_call)
