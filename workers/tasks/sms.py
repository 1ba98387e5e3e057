"""Texts."""

from __future__ import annotations

from domain.ladder import Work
from workers.actions.retries import take_up
from workers.app import app
from workers.context import the_house
from workers.queues import QUEUE_FOR, task_name
from workers.sms import send as texting


@app.task(name=task_name(QUEUE_FOR[Work.SEND_SMS], Work.SEND_SMS))
def send_sms(action_id: int) -> str:
    """Send the text of one action."""
    return take_up(the_house(), action_id, texting.send_sms)
