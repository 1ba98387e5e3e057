"""Celery's settings: delivery, queues, and beat's schedule.

PostgreSQL is the truth and a message is only a wake-up. The settings prefer delivering a message
twice to losing it: tasks are acknowledged late, and every task may run twice.
"""

import os
from datetime import timedelta
from pathlib import Path
from pkgutil import iter_modules

from kombu import Queue as KombuQueue

from config.settings import load_settings
from workers import queues
from workers.messaging.broker import KEY_PREFIX

_TASKS = Path(__file__).with_name("tasks")
_settings = load_settings(os.environ)

# By file name: importing the tasks here would be circular.
include = [f"workers.tasks.{name}" for _, name, _ in iter_modules([str(_TASKS)])]

broker_url = _settings.redis_url
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # by default Celery stops after 100 tries
broker_transport_options = {
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


beat_schedule = {
    # Often, because beat counts a run as started even if publishing it failed: one failure must
    # not lose the day. A scan publishes only loans that are due and not published yet.
    "scan the portfolio": _every(_settings.scan_seconds, queues.SCAN_PORTFOLIO),
    "dispatch due actions": _every(2, queues.DISPATCH_DUE_ACTIONS, expires=10),
    "dispatch events": _every(2, queues.DISPATCH_EVENTS, expires=10),
    "dispatch outbox": _every(2, queues.DISPATCH_OUTBOX, expires=10),
    # Every minute, so that promises break in the first minute of a day.
    "break overdue promises": _every(60, queues.BREAK_OVERDUE_PROMISES),
    "close paid cases": _every(3600, queues.CLOSE_PAID_CASES),
    "mark lost claims": _every(30, queues.MARK_LOST_CLAIMS, expires=60),
    "reconcile texts": _every(15, queues.RECONCILE_TEXTS),
    "assign replies": _every(30, queues.ASSIGN_REPLIES, expires=60),
    # Only the first run of a business date works.
    "erase expired data": _every(3600, queues.ERASE_EXPIRED_DATA),
    "prune completed events": _every(3600, queues.PRUNE_COMPLETED_EVENTS),
    "chain evidence": _every(15, queues.CHAIN_EVIDENCE),
    "re-encrypt with the current key": _every(3600, queues.REENCRYPT_WITH_CURRENT_KEY),
}
