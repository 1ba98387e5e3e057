"""Publish what is due: actions, events that came in, events for the lender's systems; and watch
over what is sent.

A queue of its own, so that what is due never waits behind payments, erasure or a provider.
"""

from functools import partial

from domain.actions import ACTION_TYPES
from workers import queues
from workers.actions import dispatch
from workers.app import app
from workers.bootstrap import worker_context
from workers.inbox import apply
from workers.messaging.broker import queue_depths
from workers.messaging.publish import Message, announce, for_each
from workers.messaging.sweeps import Sweep
from workers.operations import sending_watch
from workers.outbox import deliver


@app.task(name=queues.DISPATCH_DUE_ACTIONS, base=Sweep)
def dispatch_due_actions() -> str:
    """Publish the actions that are due, and those whose message was lost."""
    ctx = worker_context()
    depths = queue_depths(ctx.settings.redis_url)
    dispatched = 0
    for action_type in ACTION_TYPES.values():
        queue = action_type.queue
        publish = partial(_publish_each, queues.task_name(queue, action_type))
        dispatched += dispatch.dispatch_due_actions(ctx, action_type, publish, depths[queue])
    return f"{dispatched} dispatched"


@app.task(name=queues.WATCH_SENDING, base=Sweep)
def watch_sending() -> str:
    """Stop sending if something is wrong that shows."""
    found = sending_watch.watch_sending(worker_context())
    return ", ".join(found) or "nothing found"


@app.task(name=queues.DISPATCH_EVENTS, base=Sweep)
def dispatch_events() -> str:
    """Publish the events that are stored and not applied."""
    ids = apply.dispatch_events(worker_context())
    size = queues.EVENTS_PER_MESSAGE
    batches = (ids[start : start + size] for start in range(0, len(ids), size))
    announce(app, queues.APPLY_EVENTS, (Message((batch,)) for batch in batches))
    return f"{len(ids)} dispatched"


@app.task(name=queues.DISPATCH_OUTBOX, base=Sweep)
def dispatch_outbox() -> str:
    """Publish the loans that have events for the lender's systems."""
    ctx = worker_context()
    waiting = queue_depths(ctx.settings.redis_url)[queues.Queue.OUTBOX]
    publish = partial(_publish_each, queues.DELIVER_EVENTS)
    return f"{deliver.dispatch_outbox(ctx, publish, waiting)} dispatched"


def _publish_each(task: str, names: dict[int, str]) -> None:
    announce(app, task, for_each(names))
