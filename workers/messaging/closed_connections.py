"""A closed connection to the broker fails with an error that Celery expects.

If the broker goes away and refuses connections, kombu fails to close a channel with unacknowledged
messages at the first try, and forgets the address of the broker. At the second try it reads that
address and raises an `AttributeError`. Celery expects connection errors only there: its worker
stopped for ever, with its process still alive, and a supervisor saw nothing. Messages that were not
acknowledged are delivered again by the broker, or their work is published again.
"""

from typing import Any

import redis
from kombu.transport import redis as transport

_Channel: Any = transport.Channel
_connection_parameters = _Channel._connparams


def _parameters_of_open_connection(channel: Any, asynchronous: bool = False) -> dict[str, Any]:
    if channel.connection is None or channel.connection.client is None:
        raise redis.ConnectionError("The connection to the broker is closed.")
    parameters: dict[str, Any] = _connection_parameters(channel, asynchronous=asynchronous)
    return parameters


def expect_closed_connections() -> None:
    """Let the channels of this process raise `redis.ConnectionError` on a closed connection."""
    _Channel._connparams = _parameters_of_open_connection
