"""Texts."""

from __future__ import annotations

from domain.ladder import Work
from workers import texting
from workers.app import app
from workers.house import the_house
from workers.queues import QUEUE_FOR, task_name


@app.task(name=task_name(QUEUE_FOR[Work.SEND_SMS], Work.SEND_SMS))
def send_sms(action_id: int) -> str:
    """Send the text of one action."""
    return texting.send_sms(the_house(), action_id)
