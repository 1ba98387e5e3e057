"""Calls."""

from __future__ import annotations

from domain.actions import ASSIGN_CALL
from workers.actions.run import run_action
from workers.app import app
from workers.bootstrap import process_context
from workers.calls import assign
from workers.queues import QUEUE_FOR, task_name


@app.task(name=task_name(QUEUE_FOR[ASSIGN_CALL], ASSIGN_CALL))
def assign_call(action_id: int) -> str:
    """Assign the call of one action to a collector."""
    return run_action(process_context(), action_id, assign.assign_call)
