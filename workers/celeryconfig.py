"""Celery's settings: delivery, queues, and beat's schedule.

PostgreSQL is the truth and a message is only a wake-up. The settings prefer delivering a message
twice to losing it: tasks are acknowledged late, and every task may run twice.
"""

import os
from datetime import timedelta
from pathlib import Path
from pkgutil import iter_modules

from kombu import Queue as KombuQueue

from config.environment import load_settings
from workers import queues
from workers.messaging.broker import TRANSPORT_OPTIONS

_TASKS = Path(__file__).with_name("tasks")
_settings = load_settings(os.environ)

# By file name: importing the tasks here would be circular.
include = [f"workers.tasks.{name}" for _, name, _ in iter_modules([str(_TASKS)])]

broker_url = _settings.redis_url
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # by default Celery stops after 100 tries
broker_transport_options = TRANSPORT_OPTIONS

task_acks_late = True
task_reject_on_worker_lost = True
task_ignore_result = True
task_time_limit = 60
task_soft_time_limit = 45
task_serializer = "json"
accept_content = ["json"]
task_queues = [KombuQueue(name) for name in queues.QUEUES]
task_create_missing_queues = False
task_routes = [queues.route]

worker_prefetch_multiplier = 1  # more of some queues: workers.queues.PREFETCH
worker_max_tasks_per_child = 10_000
worker_soft_shutdown_timeout = 30
worker_send_task_events = True  # for Flower; of sweeps see workers.messaging.sweeps

timezone = "UTC"


def _every(seconds: float, task: str, *, expires: float | None = None) -> dict[str, object]:
    """An entry of beat's schedule. A run that starts late is skipped, as the next one is near."""
    return {
        "task": task,
        "schedule": timedelta(seconds=seconds),
        "options": {"expires": seconds if expires is None else expires},
    }


_EXPIRES: dict[str, float] = {
    queues.DISPATCH_DUE_ACTIONS: 10,
    queues.WATCH_SENDING: 10,
    queues.DISPATCH_EVENTS: 10,
    queues.DISPATCH_OUTBOX: 10,
    queues.MARK_LOST_CLAIMS: 60,
    queues.ASSIGN_REPLIES: 60,
}

beat_schedule = {
    # Often, because beat counts a run as started even if publishing it failed: one failure must
    # not lose the day. A scan publishes only loans that are due and not published yet.
    "scan the portfolio": _every(_settings.scan_seconds, queues.SCAN_PORTFOLIO),
    **{
        task.rpartition(".")[2].replace("_", " "): _every(seconds, task, expires=_EXPIRES.get(task))
        for task, seconds in queues.EVERY.items()
    },
}
