"""Repairs, named for what they repair."""

from __future__ import annotations

from functools import partial

from workers import inbox, queues, repairing
from workers.announcing import announce
from workers.app import app
from workers.broker import queue_depths
from workers.house import the_house


@app.task(name=queues.WAKE_DUE_ACTIONS)
def wake_due_actions() -> str:
    """Announce actions whose time has come, and those whose announcement was lost."""

    house = the_house()
    depths = queue_depths(house.settings.redis_url)
    woken = 0
    for work, queue in queues.QUEUE_FOR.items():
        name = queues.task_name(queue, work)
        publish = partial(_announce_each, name)
        woken += repairing.wake_due_actions(house, work, publish, waiting=depths[queue])
    return f"{woken} announced"


@app.task(name=queues.WAKE_EVENTS)
def wake_events() -> str:
    """Announce events that are stored and not applied."""
    ids = inbox.wake_events(the_house())
    _announce_each(queues.APPLY_EVENT, ids)
    return f"{len(ids)} announced"


@app.task(name=queues.MARK_LOST_CLAIMS)
def mark_lost_claims() -> str:
    """Mark texts whose sender died in the act as unknown."""
    return f"{repairing.mark_lost_claims(the_house())} found"


def _announce_each(task: str, ids: list[int]) -> None:
    announce(app, task, ((id,) for id in ids))
