"""The broker: whether it can be reached, and how many messages wait in each queue."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import redis
from kombu import Connection as CeleryConnection
from kombu.utils.url import parse_url
from redis.exceptions import NoPermissionError

from domain.errors import ArrearsError, Text, text_of
from workers.queues import QUEUES

KEY_PREFIX = "arrears:"
HEALTH_KEY = f"{KEY_PREFIX}health"

TRANSPORT_OPTIONS = {
    # Longer than any task may run, and short enough that a lost worker's tasks return soon.
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,  # by default it waits without end on a half-open connection
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": KEY_PREFIX,
}
"""How Celery, and Flower, speak with the broker."""

MESSAGES: dict[type[BaseException], Text] = {
    redis.BusyLoadingError: text_of("The broker is still loading its data. Try again in a minute."),
    redis.AuthenticationError: text_of(
        "The broker refuses the login: the user or the password in REDIS_URL is missing or wrong. "
        "Write redis://:password@host:6379/0."
    ),
    NoPermissionError: text_of(
        "The user in REDIS_URL has too few permissions in the broker. Grant it every command "
        "on all keys of its database."
    ),
    redis.OutOfMemoryError: text_of(
        "The broker's memory is full, so it takes no messages and nothing is started. Let the "
        "workers empty its queues, or give it more memory (maxmemory); nothing is lost meanwhile."
    ),
    redis.ReadOnlyError: text_of(
        "The broker is read only: it is a replica. Name the primary in REDIS_URL."
    ),
    redis.InvalidResponse: text_of(
        "The server at REDIS_URL is not a Redis server. Check its host and port."
    ),
    ssl.SSLCertVerificationError: text_of(
        "The broker's certificate is not trusted, or is for another host. Name the file of its "
        "authority at the end of REDIS_URL, as ?ssl_ca_certs=/path/ca.pem."
    ),
    ssl.SSLError: text_of(
        "The broker does not speak TLS where REDIS_URL points. Write redis://, or the port on "
        "which it does."
    ),
    FileNotFoundError: text_of(
        "A file that REDIS_URL names after its ? does not exist. Check its path."
    ),
    socket.gaierror: text_of(
        "The broker cannot be reached: the host name in REDIS_URL cannot be resolved. Check its "
        "spelling, and the DNS of this machine."
    ),
    ConnectionRefusedError: text_of(
        "The broker cannot be reached: nothing listens at the host and port in REDIS_URL. Check "
        "them, and that Redis runs there."
    ),
}
"""What each kind of error means to an operator; the most specific kinds come first."""


def connect_broker(url: str) -> redis.Redis:
    """A client whose calls to a dead server fail within seconds. It does not connect yet.

    Raises:
        ArrearsError: the URL has an option that this client or Celery's cannot be made with.
    """
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        # Both clients check their options late, and their errors quote the URL.
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
        CeleryConnection(url)
    except (TypeError, ValueError, LookupError, redis.RedisError):
        raise ArrearsError(
            "REDIS_URL is not usable: an option after its ? does not exist, or its value is not "
            "allowed. Remove it: the database is the number after the "
            "last /, and only a rediss:// URL has options, such as ssl_ca_certs."
        ) from None
    return client


def tls_options(url: str) -> dict[str, Any] | None:
    """What the URL says about TLS, for a client that reads no options in a URL; None: no TLS."""
    options: dict[str, Any] | None = parse_url(url).get("ssl")
    return options


def assert_broker_reachable(url: str) -> None:
    """Send the broker one PING.

    Raises:
        ArrearsError: it cannot be reached, refuses the login, or its URL is not usable.
    """
    try:
        with connect_broker(url) as client:
            client.ping()
    except redis.RedisError as error:
        raise ArrearsError(_user_message(error, url)) from None


def assert_broker_takes_messages(url: str) -> None:
    """Write something into the broker, and read it.

    Raises:
        ArrearsError: it cannot be reached, refuses the login, is full, or its URL is not usable.
    """
    try:
        with connect_broker(url) as client:
            client.set(HEALTH_KEY, "1", ex=60)
            client.get(HEALTH_KEY)
    except redis.RedisError as error:
        raise ArrearsError(_user_message(error, url)) from None


def queue_depths(url: str) -> dict[str, int]:
    """How many messages wait in each queue, by queue.

    Raises:
        redis.RedisError: the broker cannot be reached.
        ArrearsError: its URL is not usable.
    """
    with connect_broker(url) as client:
        return {queue: int(client.llen(f"{KEY_PREFIX}{queue}")) for queue in QUEUES}


def _user_message(error: BaseException, url: str) -> Text:
    """A message without the URL, which may hold a password, and with something to do."""
    causes = tuple(_causes(error))
    for kind, message in MESSAGES.items():
        if any(isinstance(cause, kind) for cause in causes):
            return message
    if isinstance(error, redis.ResponseError):
        return _refused(error)
    return _silent(encrypted=url.startswith("rediss://"))


def _refused(error: redis.ResponseError) -> Text:
    if str(error).startswith("DB index"):
        return text_of(
            "The broker has no database of the number at the end of REDIS_URL. Write /0, or "
            "another number that its configuration allows: by default 0 to 15."
        )
    return text_of(
        "The broker answers, and refuses our commands. Its log says why: correct it there."
    )


def _silent(*, encrypted: bool) -> Text:
    """No answer or a closed connection, as when only one of the two sides speaks TLS."""
    if encrypted:
        return text_of(
            "The broker cannot be reached: it does not answer, or closes the connection. Check the "
            "host and port in REDIS_URL and that Redis runs there; if it does not speak TLS, write "
            "redis://."
        )
    return text_of(
        "The broker cannot be reached: it does not answer, or closes the connection. Check the "
        "host and port in REDIS_URL and that Redis runs there; if it speaks TLS, write rediss://."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
