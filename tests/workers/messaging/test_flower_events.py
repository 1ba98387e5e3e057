"""Flower hears of every task, and of many in one message."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection, Queue
from kombu.asynchronous.timer import Timer

from tests.support.commands import eventually, running
from tests.support.environment import an_environment
from tests.support.messages import all_dealt_with
from workers.app import app as the_app
from workers.messaging.broker import KEY_PREFIX
from workers.messaging.flower_events import FLUSH_EVERY, BatchedTaskEvents
from workers.queues import ESCALATE_LOANS, QUEUES, route
from workers.queues import Queue as Kind


@dataclass
class Worker:
    """A worker's consumer as far as this part sees it, on a broker in memory."""

    consumer: Any
    flower: Any

    @classmethod
    def on(cls, connection: Connection) -> Worker:
        def at_the_next_turn() -> None:
            dispatcher.flush()

        dispatcher = Celery("tells", broker="memory://").events.Dispatcher(
            connection, buffer_group=["task"], on_send_buffered=at_the_next_turn
        )
        flower = Queue("flower", dispatcher.exchange, routing_key="task.#")(connection.channel())
        flower.declare()
        consumer = SimpleNamespace(hub=object(), event_dispatcher=dispatcher, timer=Timer())
        return cls(consumer, flower)

    def does(self, *tasks: str) -> None:
        for task in tasks:
            self.consumer.event_dispatcher.send("task-succeeded", uuid=task)

    def heard(self) -> list[list[str]]:
        """By message, the tasks that Flower was told of."""
        messages = iter(lambda: self.flower.get(no_ack=True), None)
        seen = (message.decode() for message in messages)
        return [
            [event["uuid"] for event in (some if isinstance(some, list) else [some])]
            for some in seen
        ]


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Connection("memory://") as connection:
        yield Worker.on(connection)


def test_without_this_part_each_task_is_a_message(worker: Worker) -> None:
    worker.does("a", "b")

    assert worker.heard() == [["a"], ["b"]]


def test_tasks_of_a_moment_are_told_of_in_one_message(worker: Worker) -> None:
    BatchedTaskEvents(worker.consumer).start(worker.consumer)
    worker.does("a", "b", "c")
    assert worker.heard() == []

    time.sleep(FLUSH_EVERY)
    _, entry = next(iter(worker.consumer.timer))
    entry()

    assert worker.heard() == [["a", "b", "c"]]


def test_a_worker_that_ends_tells_of_what_is_left(worker: Worker) -> None:
    part = BatchedTaskEvents(worker.consumer)
    part.start(worker.consumer)
    worker.does("a", "b")

    part.stop(worker.consumer)

    assert worker.heard() == [["a", "b"]]
    worker.does("c")  # a task that ran on while the worker waited for it
    assert worker.heard() == [["c"]]
    part.stop(worker.consumer)  # once more, as when a connection is lost twice


def test_of_a_worker_that_is_stopped_flower_hears_all(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = an_environment(database_url, broker_url)
    flower = Celery("flower", broker=broker_url)
    flower.conf.broker_transport_options = {"global_keyprefix": KEY_PREFIX}
    flower.conf.task_queues = [Queue(name) for name in QUEUES]
    flower.conf.task_routes = [route]
    seen: set[str] = set()
    with flower.connection() as connection, redis.Redis.from_url(broker_url) as broker:
        succeeded = {"task-succeeded": lambda event: seen.add(event["uuid"])}
        hears = flower.events.Receiver(connection, handlers=succeeded)
        with ThreadPoolExecutor(1) as pool:
            listening = pool.submit(hears.capture, limit=None, timeout=None, wakeup=False)
            try:
                command = ("worker", f"--queues={Kind.ESCALATE}", "--concurrency=2")
                log = tmp_path / "worker.log"
                with running(*command, environment=environment, log=log) as worker:
                    eventually("the worker is ready", lambda: " ready." in worker.output)
                    sent = {flower.send_task(ESCALATE_LOANS, [[n]]).id for n in range(1, 101)}
                    eventually("all is done", lambda: all_dealt_with(broker))
                    # As `docker compose stop` does, while the last of it has yet to be told.
                    os.kill(worker.pid, signal.SIGQUIT)
                    assert worker.wait() == 0
                eventually("Flower was told of all of it", lambda: seen == sent, seconds=5)
            finally:
                hears.should_stop = True
            listening.result(timeout=10)


@pytest.mark.parametrize("missing", ["event_dispatcher", "hub"])
def test_a_worker_without_task_events_or_an_event_loop_is_left_as_it_is(
    worker: Worker, missing: str
) -> None:
    dispatcher = worker.consumer.event_dispatcher
    buffers = dispatcher.buffer_limit, dispatcher.on_send_buffered
    setattr(worker.consumer, missing, None)
    part = BatchedTaskEvents(worker.consumer)

    part.start(worker.consumer)

    assert len(worker.consumer.timer) == 0
    assert (dispatcher.buffer_limit, dispatcher.on_send_buffered) == buffers
    part.stop(worker.consumer)
    assert worker.heard() == []


def test_the_workers_have_it() -> None:
    assert BatchedTaskEvents in the_app.steps["consumer"]
