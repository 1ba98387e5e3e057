"""The queues, one per kind of work, and the names of the tasks that run in them.

A task's name is `arrears.<queue>.<what it does>`: operators read it in Flower, and the router
reads the queue from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from domain.actions import ACTION_TYPES


class Queue(StrEnum):
    """Every queue. A test holds the production form to it: each has a worker."""

    SCAN = "scan"
    ESCALATE = "escalate"
    SMS = "sms"
    CALLS = "calls"
    VISITS = "visits"
    LEGAL = "legal"
    EVENTS = "events"
    OUTBOX = "outbox"
    DISPATCH = "dispatch"
    MAINTENANCE = "maintenance"


TAKEN_AHEAD = {Queue.SCAN: 4, Queue.ESCALATE: 4}
"""Messages that a worker which decides fetches ahead for each of its processes, so that none waits
for the next one. Of other queues it is one: what is fetched waits for this worker, even where
others are free, and a text may take as long as its provider does."""

QUEUE_HOLDS = 5_000
"""Messages in one queue above which nothing is added: the rest waits in the database."""

EVENTS_PER_MESSAGE = 50
"""Events from outside in one message, at most: so few that the first need not wait for the last."""


def task_name(queue: Queue, what: str) -> str:
    return f"arrears.{queue}.{what}"


QUEUE_FOR = {action_type: Queue(action_type.queue) for action_type in ACTION_TYPES.values()}

SCAN_PORTFOLIO = task_name(Queue.SCAN, "scan_portfolio")
ESCALATE_LOANS = task_name(Queue.ESCALATE, "escalate_loans")
APPLY_EVENTS = task_name(Queue.EVENTS, "apply_events")
DELIVER_EVENTS = task_name(Queue.OUTBOX, "deliver_events")
DISPATCH_DUE_ACTIONS = task_name(Queue.DISPATCH, "dispatch_due_actions")
DISPATCH_EVENTS = task_name(Queue.DISPATCH, "dispatch_events")
DISPATCH_OUTBOX = task_name(Queue.DISPATCH, "dispatch_outbox")
BREAK_OVERDUE_PROMISES = task_name(Queue.MAINTENANCE, "break_overdue_promises")
CLOSE_PAID_CASES = task_name(Queue.MAINTENANCE, "close_paid_cases")
MARK_LOST_CLAIMS = task_name(Queue.MAINTENANCE, "mark_lost_claims")
RECONCILE_TEXTS = task_name(Queue.MAINTENANCE, "reconcile_texts")
ASSIGN_REPLIES = task_name(Queue.MAINTENANCE, "assign_replies")
ERASE_EXPIRED_DATA = task_name(Queue.MAINTENANCE, "erase_expired_data")
PRUNE_COMPLETED_EVENTS = task_name(Queue.MAINTENANCE, "prune_completed_events")
CHAIN_EVIDENCE = task_name(Queue.MAINTENANCE, "chain_evidence")
REENCRYPT_WITH_CURRENT_KEY = task_name(Queue.MAINTENANCE, "reencrypt_with_current_key")


def taken_ahead(served: Iterable[str]) -> int:
    """Messages to fetch ahead for each process of a worker that serves these queues."""
    return min(TAKEN_AHEAD.get(Queue(name), 1) for name in served)


def route(name: str, *_: object, **__: object) -> dict[str, str]:
    """Celery's router: the queue stands in the task's name."""
    return {"queue": name.split(".")[1]}
