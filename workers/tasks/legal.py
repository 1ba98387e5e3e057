"""Legal files."""

from __future__ import annotations

from domain.ladder import Work
from workers.actions.retries import take_up
from workers.app import app
from workers.context import the_house
from workers.legal import legal_files as litigating
from workers.queues import QUEUE_FOR, task_name


@app.task(name=task_name(QUEUE_FOR[Work.OPEN_LEGAL_FILE], Work.OPEN_LEGAL_FILE))
def open_legal_file(action_id: int) -> str:
    """Open the legal file of one action."""
    return take_up(the_house(), action_id, litigating.open_legal_file)
