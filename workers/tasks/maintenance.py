"""Repairs, named for what they repair."""

from __future__ import annotations

from functools import partial

from workers import queues
from workers.actions import dispatch
from workers.app import app
from workers.bootstrap import process_context
from workers.borrowers import reply_queue
from workers.escalation import reassess
from workers.evidence import chain
from workers.hardship import promises
from workers.inbox import process
from workers.messaging.broker import queue_depths
from workers.messaging.publish import announce
from workers.outbox import deliver
from workers.privacy import erasure, key_rotation, pruning
from workers.privacy.once_a_day import begins_today
from workers.sms import reconcile


@app.task(name=queues.DISPATCH_DUE_ACTIONS)
def dispatch_due_actions() -> str:
    """Announce actions whose time has come, and those whose announcement was lost."""

    ctx = process_context()
    depths = queue_depths(ctx.settings.redis_url)
    woken = 0
    for action_type, queue in queues.QUEUE_FOR.items():
        name = queues.task_name(queue, action_type)
        publish = partial(_announce_each, name)
        woken += dispatch.dispatch_due_actions(ctx, action_type, publish, waiting=depths[queue])
    return f"{woken} announced"


@app.task(name=queues.DISPATCH_EVENTS)
def dispatch_events() -> str:
    """Announce events that are stored and not applied."""
    ids = sorted(process.dispatch_events(process_context()))
    size = queues.EVENTS_PER_MESSAGE
    envelopes = (ids[start : start + size] for start in range(0, len(ids), size))
    announce(app, queues.APPLY_EVENTS, ((some,) for some in envelopes))
    return f"{len(ids)} announced"


@app.task(name=queues.DISPATCH_OUTBOX)
def dispatch_outbox() -> str:
    """Announce loans with events that the lender's systems have not taken yet."""
    ctx = process_context()
    waiting = queue_depths(ctx.settings.redis_url)[queues.Queue.OUTBOX]
    publish = partial(_announce_each, queues.DELIVER_EVENTS)
    return f"{deliver.dispatch_outbox(ctx, publish, waiting)} announced"


@app.task(name=queues.BREAK_OVERDUE_PROMISES)
def break_overdue_promises() -> str:
    """Settle promises whose day is over, so that their ladders go on."""
    return f"{promises.break_overdue_promises(process_context())} settled"


@app.task(name=queues.CLOSE_PAID_CASES)
def close_paid_cases() -> str:
    """Close cases that are open though nothing is past due."""
    return f"{reassess.close_paid_cases(process_context())} closed"


@app.task(name=queues.MARK_LOST_CLAIMS)
def mark_lost_claims() -> str:
    """Mark texts whose sender died in the act as unknown."""
    return f"{reconcile.mark_lost_claims(process_context())} found"


@app.task(name=queues.RECONCILE_TEXTS)
def reconcile_texts() -> str:
    """Find out what became of texts whose answer was lost."""
    done = reconcile.reconcile_texts(process_context())
    return f"{done.settled} settled, {done.found} found, {done.parked} parked"


@app.task(name=queues.ASSIGN_REPLIES)
def assign_replies() -> str:
    """Give borrowers' texts that nobody has to somebody on shift."""
    return f"{reply_queue.assign_replies(process_context())} assigned"


# The next four take a piece at a time, and announce the next: none runs long.
@app.task(name=queues.ERASE_EXPIRED_DATA)
def erase_expired_data(after: int | None = None) -> str:
    """Erase what is held about borrowers whose time to be kept is over."""
    ctx = process_context()
    if after is None and not begins_today(ctx, queues.ERASE_EXPIRED_DATA):
        return "done today already"
    done = erasure.erase_expired_data(ctx, after or 0)
    if done.go_on_after is not None:
        _announce_each(queues.ERASE_EXPIRED_DATA, [done.go_on_after])
    return f"{done.borrowers} erased"


@app.task(name=queues.PRUNE_COMPLETED_EVENTS)
def prune_completed_events(go_on: bool = False) -> str:
    """Remove events that were settled long ago."""
    ctx = process_context()
    if not go_on and not begins_today(ctx, queues.PRUNE_COMPLETED_EVENTS):
        return "done today already"
    done = pruning.prune(ctx)
    if done.anything:
        announce(app, queues.PRUNE_COMPLETED_EVENTS, [(True,)])
    return f"{done.events_out} out, {done.events_in} in, {done.words} values"


@app.task(name=queues.REENCRYPT_WITH_CURRENT_KEY)
def reencrypt_with_current_key() -> str:
    """Go on with a rotation of the keys that was begun."""
    done = key_rotation.carry_on(process_context())
    if done:
        announce(app, queues.REENCRYPT_WITH_CURRENT_KEY, [()])
    return f"{done} sealed anew"


@app.task(name=queues.CHAIN_EVIDENCE)
def chain_evidence() -> str:
    """Give rows of evidence that have none their links."""
    done = chain.chain_evidence(process_context())
    if done == chain.BATCH_SIZE:
        announce(app, queues.CHAIN_EVIDENCE, [()])
    return f"{done} chained"


def _announce_each(task: str, ids: list[int]) -> None:
    announce(app, task, ((id,) for id in ids))
