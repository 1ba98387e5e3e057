"""What is in the broker: for tests that wait until workers have dealt with all of it."""

import time

import redis

from workers.messaging.broker import KEY_PREFIX
from workers.queues import QUEUES


def messages_left(broker: redis.Redis) -> int:
    """Messages that wait in any queue, or that a worker has taken and not dealt with."""
    with broker.pipeline(transaction=False) as pipeline:
        for queue in QUEUES:
            pipeline.llen(f"{KEY_PREFIX}{queue}")
        pipeline.hlen(f"{KEY_PREFIX}unacked")
        return sum(pipeline.execute())


def all_dealt_with(broker: redis.Redis) -> bool:
    """Whether there is no message left, at two looks.

    A message is in no list for a moment while a worker takes it: one look is not enough.
    """
    if messages_left(broker):
        return False
    time.sleep(0.01)
    return not messages_left(broker)
