"""Every task has a queue, every tick of beat has a task, and no time limit outlasts another."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from domain.ladder import Work
from tests.support.compose import ROOT, seconds, services
from tests.support.environment import an_environment
from workers import queues
from workers.queues import QUEUE_FOR, Queue, route, task_name

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
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=an_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    declared: dict[str, Any] = json.loads(shown.stdout)
    return declared


def test_every_task_is_named_after_its_queue_and_reaches_it(celery: dict[str, Any]) -> None:
    for name in celery["limits"]:
        arrears, queue, what = name.split(".")
        assert arrears == "arrears"
        assert what
        assert route(name) == {"queue": Queue(queue)}


def test_every_queue_is_declared_and_has_a_task(celery: dict[str, Any]) -> None:
    assert sorted(celery["queues"]) == sorted(Queue)
    assert {name.split(".")[1] for name in celery["limits"]} == set(Queue)


def test_every_kind_of_work_on_a_ladder_has_its_task(celery: dict[str, Any]) -> None:
    assert {task_name(QUEUE_FOR[work], work) for work in Work} <= set(celery["limits"])


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
