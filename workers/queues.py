"""The queues, one for each kind of work, and the names of their tasks.

A task's name is `arrears.<queue>.<what it does>`. Operators read it in Flower, and the router
reads the queue from it.
"""

from collections.abc import Iterable
from enum import StrEnum

from domain.actions import ACTION_TYPES


class Queue(StrEnum):
    """The queues of all work but actions, whose types name their own: see `ACTION_QUEUES`."""

    SCAN = "scan"
    ESCALATE = "escalate"
    EVENTS = "events"
    OUTBOX = "outbox"
    DISPATCH = "dispatch"
    MAINTENANCE = "maintenance"


ACTION_QUEUES = tuple(dict.fromkeys(action_type.queue for action_type in ACTION_TYPES.values()))
"""The queues of the action types, each once."""

QUEUES: tuple[str, ...] = (*Queue, *ACTION_QUEUES)
"""Every queue. A test checks that each has one worker in docker-compose.yml."""

PREFETCH: dict[str, int] = {Queue.SCAN: 4, Queue.ESCALATE: 4}
"""Messages that a worker which serves only these queues prefetches for each of its processes, so
that no process waits for its next message. Of any other queue it prefetches one, because a
prefetched message waits for this worker even if another one is free."""

QUEUE_HOLDS = 5_000
"""Messages in one queue above which no more are published: the rest waits in the database."""

EVENTS_PER_MESSAGE = 50
"""Events from outside in one message, at most: few, for all of them wait until the last is done."""


def task_name(queue: str, what: str) -> str:
    return f"arrears.{queue}.{what}"


SCAN_PORTFOLIO = task_name(Queue.SCAN, "scan_portfolio")
ESCALATE_LOANS = task_name(Queue.ESCALATE, "escalate_loans")
APPLY_EVENTS = task_name(Queue.EVENTS, "apply_events")
DELIVER_EVENTS = task_name(Queue.OUTBOX, "deliver_events")
DISPATCH_DUE_ACTIONS = task_name(Queue.DISPATCH, "dispatch_due_actions")
WATCH_SENDING = task_name(Queue.DISPATCH, "watch_sending")
DISPATCH_EVENTS = task_name(Queue.DISPATCH, "dispatch_events")
DISPATCH_OUTBOX = task_name(Queue.DISPATCH, "dispatch_outbox")
WATCH_ANSWERS = task_name(Queue.MAINTENANCE, "watch_answers")
BREAK_OVERDUE_PROMISES = task_name(Queue.MAINTENANCE, "break_overdue_promises")
SETTLE_ARRANGEMENTS = task_name(Queue.MAINTENANCE, "settle_arrangements")
CLOSE_PAID_CASES = task_name(Queue.MAINTENANCE, "close_paid_cases")
MARK_LOST_CLAIMS = task_name(Queue.MAINTENANCE, "mark_lost_claims")
RECONCILE_TEXTS = task_name(Queue.MAINTENANCE, "reconcile_texts")
ASSIGN_REPLIES = task_name(Queue.MAINTENANCE, "assign_replies")
HAND_ON_WORK = task_name(Queue.MAINTENANCE, "hand_on_work")
HAND_ON_LATE_CALLBACKS = task_name(Queue.MAINTENANCE, "hand_on_late_callbacks")
FLAG_UNREPORTED_VISITS = task_name(Queue.MAINTENANCE, "flag_unreported_visits")
ERASE_EXPIRED_DATA = task_name(Queue.MAINTENANCE, "erase_expired_data")
PRUNE_COMPLETED_EVENTS = task_name(Queue.MAINTENANCE, "prune_completed_events")
CHAIN_EVIDENCE = task_name(Queue.MAINTENANCE, "chain_evidence")
CLOSE_DAYS = task_name(Queue.MAINTENANCE, "close_days")
REENCRYPT_WITH_CURRENT_KEY = task_name(Queue.MAINTENANCE, "reencrypt_with_current_key")

EVERY: dict[str, float] = {
    DISPATCH_DUE_ACTIONS: 2,
    WATCH_SENDING: 5,
    DISPATCH_EVENTS: 2,
    DISPATCH_OUTBOX: 2,
    # Every minute, so that promises break, and arrangements end, in the first minute of a day.
    WATCH_ANSWERS: 60,
    BREAK_OVERDUE_PROMISES: 60,
    SETTLE_ARRANGEMENTS: 60,
    CLOSE_PAID_CASES: 3600,
    MARK_LOST_CLAIMS: 30,
    RECONCILE_TEXTS: 15,
    ASSIGN_REPLIES: 30,
    HAND_ON_WORK: 60,
    HAND_ON_LATE_CALLBACKS: 60,
    FLAG_UNREPORTED_VISITS: 600,
    # Only the first run of a business date works.
    ERASE_EXPIRED_DATA: 3600,
    PRUNE_COMPLETED_EVENTS: 3600,
    CHAIN_EVIDENCE: 15,
    REENCRYPT_WITH_CURRENT_KEY: 3600,
    CLOSE_DAYS: 600,
}
"""Seconds between two starts of a task by beat. That of the scan is a setting."""


def prefetch_multiplier(served: Iterable[str]) -> int:
    """Messages that a worker of these queues prefetches for each of its processes."""
    return min(PREFETCH.get(name, 1) for name in served)


def route(name: str, *_: object, **__: object) -> dict[str, str]:
    """Celery's router: the queue is the second part of the task's name."""
    return {"queue": name.split(".")[1]}
