"""The broker: whether it is there, and how much waits in it."""

from __future__ import annotations

import redis

from domain.errors import ArrearsError
from workers.queues import Queue

KEY_PREFIX = "arrears:"


def connect_broker(url: str) -> redis.Redis:
    """A client that gives up on a dead server within seconds."""
    return redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)


def assert_broker_reachable(url: str) -> None:
    """One question to the broker.

    Raises:
        ArrearsError: it cannot be reached, or turns us away.
    """
    try:
        with connect_broker(url) as client:
            client.ping()
    except redis.RedisError as error:
        raise ArrearsError(
            f"The broker cannot be reached ({type(error).__name__}). "
            "Check REDIS_URL and that the Redis server runs."
        ) from None


def queue_depths(url: str) -> dict[Queue, int]:
    """How many messages wait in each queue, by queue. Raises `redis.RedisError`."""
    with connect_broker(url) as client:
        return {queue: int(client.llen(f"{KEY_PREFIX}{queue}")) for queue in Queue}
