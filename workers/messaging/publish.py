"""Publish many task messages at once, through Celery's own message building."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from celery import Celery

from workers.queues import route

FLUSH_AT = 1_000

NAMES_SHOWN = 15
"""Names that Flower shows of one message."""

MOST_SHOWN = 400
"""Characters that Flower shows of these names: each travels twice through the broker, in the
message and in the event that a worker received it."""


class Message(NamedTuple):
    """The arguments of one task, and the text that Flower shows in their place."""

    args: tuple[object, ...]
    shown: str | None = None
    """Ids only, never personal data: it stays in the broker and in Flower. None: the arguments."""


def for_each(names: Mapping[int, str]) -> Iterable[Message]:
    """One message for each id. `names` has, by id, what Flower shows: `L-001 text_day_1`."""
    return (Message((id,), name) for id, name in names.items())


def for_all(ids: Sequence[int], names: Sequence[str]) -> Message:
    """One message for all ids together. Flower shows `names`, which are those of the first ids."""
    shown = ", ".join(names)
    if len(shown) > MOST_SHOWN:
        shown = shown[:MOST_SHOWN].rpartition(", ")[0]
    if shown.count(", ") + 1 < len(ids):
        shown += f" ... {len(ids)} in all"
    return Message((list(ids),), shown)


def announce(app: Celery, task: str, messages: Iterable[Message]) -> int:
    """Publish messages of `task`, in batches. Returns how many.

    Signals, routing, prefix and headers are those of `apply_async`; only the round trips are
    shared. If a batch fails, part of it may have been published. Publish the same again: a message
    is only a wake-up.
    """
    queue = route(task)["queue"]
    published = 0
    with app.producer_pool.acquire(block=True) as producer, producer.batch(FLUSH_AT):  # type: ignore[attr-defined]  # newer than the published types
        for args, shown in messages:
            message = app.amqp.as_task_v2(
                str(uuid4()),
                task,
                args=args,
                kwargs={},
                argsrepr=repr(args) if shown is None else shown,
                ignore_result=True,
            )
            app.amqp.send_task_message(producer, task, message, queue=queue, retry=False)
            published += 1
    return published
