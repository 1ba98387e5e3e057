"""Legal files."""

from __future__ import annotations

from domain.actions import OPEN_LEGAL_FILE
from workers.actions.run import run_action
from workers.app import app
from workers.bootstrap import process_context
from workers.legal import legal_files
from workers.queues import QUEUE_FOR, task_name


@app.task(name=task_name(QUEUE_FOR[OPEN_LEGAL_FILE], OPEN_LEGAL_FILE))
def open_legal_file(action_id: int) -> str:
    """Open the legal file of one action."""
    return run_action(process_context(), action_id, legal_files.open_legal_file)
