"""Publishing many task messages at once, through Celery's own message building."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from celery import Celery

from workers.queues import route

FLUSH_AT = 1_000


def announce(app: Celery, task: str, all_args: Iterable[tuple[object, ...]]) -> int:
    """Publish one message of `task` for each of `all_args`, in batches, and say how many.

    Signals, routing, prefix and headers are those of `apply_async`; only the round trips are
    shared. If a batch fails, some of it may have gone out: announce the same again, for a message
    is only a wake-up.
    """
    queue = route(task)["queue"]
    published = 0
    with app.producer_pool.acquire(block=True) as producer, producer.batch(FLUSH_AT):  # type: ignore[attr-defined]  # newer than the published types
        for args in all_args:
            message = app.amqp.as_task_v2(
                str(uuid4()), task, args=args, kwargs={}, argsrepr=repr(args), ignore_result=True
            )
            app.amqp.send_task_message(producer, task, message, queue=queue, retry=False)
            published += 1
    return published
