"""The broker: whether it is there, and how much waits in it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import redis
from kombu import Connection as CeleryConnection
from redis.exceptions import NoPermissionError

from domain.errors import ArrearsError
from workers.queues import Queue

KEY_PREFIX = "arrears:"

SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (
        redis.BusyLoadingError,
        "The broker is still reading what it has stored. Try again in a minute.",
    ),
    (
        redis.AuthenticationError,
        "The broker turns us away: the user or the password in REDIS_URL is missing or wrong. "
        "Write redis://:password@host:6379/0.",
    ),
    (
        NoPermissionError,
        "The broker knows the user in REDIS_URL and lets it do too little. Grant it every command "
        "on all keys of its database.",
    ),
    (
        redis.InvalidResponse,
        "What answers where REDIS_URL points is no Redis server. Check its host and port.",
    ),
    (
        ssl.SSLCertVerificationError,
        "The broker's certificate is not trusted, or is for another host. Name the file of its "
        "authority at the end of REDIS_URL, as ?ssl_ca_certs=/path/ca.pem.",
    ),
    (
        ssl.SSLError,
        "The broker does not speak TLS where REDIS_URL points. Write redis://, or the port on "
        "which it does.",
    ),
    (
        FileNotFoundError,
        "A file that REDIS_URL names after its ? does not exist. Check its path.",
    ),
    (
        socket.gaierror,
        "The broker cannot be reached: nobody knows the host in REDIS_URL. Check how it is "
        "written, and that names are resolved here.",
    ),
    (
        ConnectionRefusedError,
        "The broker cannot be reached: nothing listens at the host and port in REDIS_URL. Check "
        "them, and that Redis runs there.",
    ),
)
"""What the kinds of errors mean, the surest signs first."""


def connect_broker(url: str) -> redis.Redis:
    """A client that gives up on a dead server within seconds. Nothing is reached yet.

    Raises:
        ArrearsError: the URL has an option that this client or Celery's cannot be made with.
    """
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        # Both clients would say so only in the middle of their work, and quote what they read.
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
        CeleryConnection(url)
    except (TypeError, ValueError, LookupError, redis.RedisError):
        raise ArrearsError(
            "REDIS_URL is not usable: what follows its ? is no option of the broker's, or has a "
            "value that the option cannot have. Take it out: the database is the number after the "
            "last /, and only a rediss:// URL has options, such as ssl_ca_certs."
        ) from None
    return client


def assert_broker_reachable(url: str) -> None:
    """One question to the broker.

    Raises:
        ArrearsError: it cannot be reached, turns us away, or its URL is not usable.
    """
    try:
        with connect_broker(url) as client:
            client.ping()
    except redis.RedisError as error:
        raise ArrearsError(_in_a_sentence(error, url)) from None


def queue_depths(url: str) -> dict[Queue, int]:
    """How many messages wait in each queue, by queue.

    Raises:
        redis.RedisError: the broker cannot be reached.
        ArrearsError: its URL is not usable.
    """
    with connect_broker(url) as client:
        return {queue: int(client.llen(f"{KEY_PREFIX}{queue}")) for queue in Queue}


def _in_a_sentence(error: BaseException, url: str) -> str:
    """In our own words: the client's may hold what the URL says, and name nothing to do."""
    causes = tuple(_causes(error))
    for kind, sentence in SENTENCES:
        if any(isinstance(cause, kind) for cause in causes):
            return sentence
    if isinstance(error, redis.ResponseError):
        return _refused(error)
    return _silent(encrypted=url.startswith("rediss://"))


def _refused(error: redis.ResponseError) -> str:
    if str(error).startswith("DB index"):
        return (
            "The broker has no database of the number at the end of REDIS_URL. Write /0, or "
            "another that it was set to have: without a word about it, 0 to 15."
        )
    return "The broker answers, and refuses to serve us. Its log says why: put that right there."


def _silent(*, encrypted: bool) -> str:
    """What a server does that speaks TLS to one that does not, or not to one that does."""
    instead = "does not speak TLS, write redis://" if encrypted else "speaks TLS, write rediss://"
    return (
        "The broker cannot be reached: it gives no answer, or ends the connection. Check the host "
        f"and the port in REDIS_URL and that Redis runs there; if it {instead}."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
