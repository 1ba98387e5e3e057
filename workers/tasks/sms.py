"""Texts."""

from __future__ import annotations

from domain.actions import SEND_SMS
from workers.actions.run import run_action
from workers.app import app
from workers.bootstrap import process_context
from workers.queues import QUEUE_FOR, task_name
from workers.sms import send


@app.task(name=task_name(QUEUE_FOR[SEND_SMS], SEND_SMS))
def send_sms(action_id: int) -> str:
    """Send the text of one action."""
    return run_action(process_context(), action_id, send.send_sms)
