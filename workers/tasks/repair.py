"""Repairs, named for what they repair."""

from __future__ import annotations

from domain.ladder import Work
from workers import inbox, queues, repairing
from workers.announcing import announce
from workers.app import app
from workers.house import the_house


@app.task(name=queues.WAKE_DUE_ACTIONS)
def wake_due_actions() -> str:
    """Announce actions whose time has come, and those whose announcement was lost."""

    def publish(work: Work, action_ids: list[int]) -> None:
        name = queues.task_name(queues.QUEUE_FOR[work], work)
        announce(app, name, ((action_id,) for action_id in action_ids))

    return f"{repairing.wake_due_actions(the_house(), publish)} announced"


@app.task(name=queues.WAKE_EVENTS)
def wake_events() -> str:
    """Announce events that are stored and not applied."""
    ids = inbox.wake_events(the_house(), again_after=repairing.WAKE_AGAIN_AFTER)
    return f"{announce(app, queues.APPLY_EVENT, ((id,) for id in ids))} announced"


@app.task(name=queues.MARK_LOST_CLAIMS)
def mark_lost_claims() -> str:
    """Mark texts whose sender died in the act as unknown."""
    return f"{repairing.mark_lost_claims(the_house())} found"
