"""Events from outside."""

from __future__ import annotations

from workers import inbox, queues
from workers.app import app
from workers.house import the_house


@app.task(name=queues.APPLY_EVENT)
def apply_event(event_id: int) -> str:
    """Apply one stored event, such as a payment or a receipt."""
    return inbox.apply_event(the_house(), event_id).reason
