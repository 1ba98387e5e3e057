"""Every task has a queue, every tick of beat has a task, and no time limit outlasts another."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from domain.actions import ACTION_TYPES, SEND_SMS
from tests.support.compose import ROOT, seconds, services
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers import queues
from workers.messaging.broker import KEY_PREFIX
from workers.queues import QUEUE_HOLDS, QUEUES, Queue, route, task_name

# The application reads its settings from the environment once per process, so it gets one of its
# own: no other test finds it configured.
SHOW = """
import json
from workers.app import app

app.loader.import_default_modules()
own = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
print(json.dumps({
    "limits": {name: task.time_limit or app.conf.task_time_limit for name, task in own.items()},
    "queues": [queue.name for queue in app.conf.task_queues],
    "beat": {
        name: {
            "task": entry["task"],
            "every": entry["schedule"].total_seconds(),
            "expires": entry["options"]["expires"],
        }
        for name, entry in app.conf.beat_schedule.items()
    },
    "visibility_timeout": app.conf.broker_transport_options["visibility_timeout"],
    "soft_shutdown": app.conf.worker_soft_shutdown_timeout,
    "settings": {
        name: app.conf[name]
        for name in ("task_acks_late", "task_reject_on_worker_lost", "task_create_missing_queues")
    },
}))
"""


@pytest.fixture(scope="module")
def celery() -> dict[str, Any]:
    """What the application declares, as a worker sees it."""
    declared: dict[str, Any] = json.loads(in_its_own_process(SHOW, an_environment()))
    return declared


def in_its_own_process(program: str, environment: Mapping[str, str]) -> str:
    """What a Python program prints that uses the application."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_task_is_named_after_its_queue_and_reaches_it(celery: dict[str, Any]) -> None:
    for name in celery["limits"]:
        arrears, queue, what = name.split(".")
        assert arrears == "arrears"
        assert what
        assert route(name) == {"queue": queue}


def test_every_queue_is_declared_and_has_a_task(celery: dict[str, Any]) -> None:
    assert sorted(celery["queues"]) == sorted(QUEUES)
    assert {name.split(".")[1] for name in celery["limits"]} == set(QUEUES)


def test_every_kind_of_work_on_a_ladder_has_its_task(celery: dict[str, Any]) -> None:
    assert {task_name(work.queue, work) for work in ACTION_TYPES.values()} <= set(celery["limits"])


def test_every_name_that_is_published_to_has_its_task(celery: dict[str, Any]) -> None:
    published = {
        value
        for value in vars(queues).values()
        if isinstance(value, str) and value.startswith("arrears.")
    }
    assert published
    assert published <= set(celery["limits"])


def test_every_tick_of_beat_starts_a_task_that_exists(celery: dict[str, Any]) -> None:
    assert celery["beat"]
    assert {tick["task"] for tick in celery["beat"].values()} <= set(celery["limits"])


def test_a_tick_stays_good_until_the_next_one(celery: dict[str, Any]) -> None:
    # One that expired earlier could find no worker free between two ticks; one that never expired
    # would pile up while the workers are down.
    for name, tick in celery["beat"].items():
        assert tick["every"] <= tick["expires"], name


def test_no_task_may_run_until_its_message_is_delivered_again(celery: dict[str, Any]) -> None:
    assert max(celery["limits"].values()) < celery["visibility_timeout"]


def test_a_worker_that_dies_gives_its_task_back(celery: dict[str, Any]) -> None:
    assert celery["settings"]["task_acks_late"] is True
    assert celery["settings"]["task_reject_on_worker_lost"] is True


def test_a_misspelt_queue_is_refused_and_not_made(celery: dict[str, Any]) -> None:
    assert celery["settings"]["task_create_missing_queues"] is False


def test_a_container_is_not_killed_while_its_worker_finishes(celery: dict[str, Any]) -> None:
    for service in services():
        if service.arrears == "worker":
            assert seconds(service.given["stop_grace_period"]) > celery["soft_shutdown"]


TASKS = """
import sys
from workers.tasks.dispatch import dispatch_due_actions
from workers.tasks.scan import scan_portfolio

for name in sys.stdin:
    print({"scan": scan_portfolio, "dispatch": dispatch_due_actions}[name.strip()](), flush=True)
"""


@contextmanager
def tasks(environment: Mapping[str, str]) -> Iterator[Callable[[str], str]]:
    """A process that does each task that it is told to do, and says what came of it."""
    with subprocess.Popen(
        [sys.executable, "-c", TASKS],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        given, said = process.stdin, process.stdout
        assert given
        assert said

        def do(name: str) -> str:
            print(name, file=given, flush=True)
            return said.readline()

        yield do
    assert process.returncode == 0


def test_the_tasks_that_publish_look_into_their_queue_and_leave_a_full_one_alone(
    engine: Engine, database_url: str, broker_url: str
) -> None:
    book = Book(engine)
    for n in range(3):
        book.loan(f"L-{n}", due_on="2020-01-01")
    escalate, texts = (f"{KEY_PREFIX}{queue}" for queue in (Queue.ESCALATE, SEND_SMS.queue))
    with (
        redis.Redis.from_url(broker_url) as client,
        tasks(an_environment(database_url, broker_url)) as do,
    ):
        client.rpush(escalate, *["a message that waits"] * (QUEUE_HOLDS - 1))
        client.rpush(texts, "in another queue")

        assert do("scan").startswith("3 loans in 3 messages")
        assert client.llen(escalate) == QUEUE_HOLDS + 2, "there was room, so a whole batch went in"

        book.loan("L-3", due_on="2020-01-01")
        assert do("scan").startswith("0 loans in 0 messages")

        client.delete(escalate)
        assert do("scan").startswith("1 loans in 1 messages")
        assert client.llen(escalate) == 1

        book.loan("L-text", due_on="2026-03-01")
        book.escalate("L-text")
        assert book.actions("L-text")["text_day_1"] == "planned"
        client.rpush(texts, *["a message that waits"] * (QUEUE_HOLDS - 1))
        do("dispatch")
        assert client.llen(texts) == QUEUE_HOLDS

        client.delete(texts)
        do("dispatch")
        assert client.llen(texts) == 1
