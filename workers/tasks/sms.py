"""Texts."""

from __future__ import annotations

from domain.ladder import Work
from workers import texting
from workers.app import app
from workers.house import the_house
from workers.queues import QUEUE_FOR, task_name
from workers.retrying import take_up


@app.task(name=task_name(QUEUE_FOR[Work.SEND_SMS], Work.SEND_SMS))
def send_sms(action_id: int) -> str:
    """Send the text of one action."""
    return take_up(the_house(), action_id, texting.send_sms)
