"""A worker whose broker goes away gets only errors that it can recover from."""

import logging
from contextlib import suppress
from typing import Any

import pytest
from kombu import Connection, Queue
from kombu.common import ignore_errors

from workers.messaging.closed_connections import expect_closed_connections
from workers.simulator.servers.postgres_and_valkey import LocalBroker


def test_a_broker_that_goes_away_during_a_task_leaves_a_connection_that_can_be_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    expect_closed_connections()
    messages: list[Any] = []
    with LocalBroker() as broker, Connection(broker.url) as connection:
        queue = Queue("work")
        connection.Producer().publish({}, routing_key="work", declare=[queue])
        channel = connection.default_channel
        connection.Consumer(queue, on_message=messages.append, channel=channel).consume()
        connection.drain_events(timeout=5)
        # Each channel of a worker waits for its next message.
        other = connection.channel()
        connection.Consumer(Queue("other"), channel=other).consume()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.01)
        broker.kill()

        # What Celery does after a connection error.
        with suppress(Exception):
            connection.collect()
        ignore_errors(connection, connection.close)
        # The task ends later.
        [message] = messages
        message.ack_log_error(logging.getLogger(), connection.connection_errors)
    assert "Couldn't ack" in caplog.text
