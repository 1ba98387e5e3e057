"""Actions: one task for each action type, in the queue of that type."""

from domain.actions import ACTION_TYPES, ActionType
from workers.actions.run import run_action, use_case
from workers.app import app
from workers.bootstrap import worker_context
from workers.queues import task_name


def _declare_task(action_type: ActionType) -> None:
    carry_out = use_case(action_type)

    @app.task(name=task_name(action_type.queue, action_type))
    def carry_out_action(action_id: int) -> str:
        return run_action(worker_context(), action_id, carry_out)


for declared in ACTION_TYPES.values():
    _declare_task(declared)
