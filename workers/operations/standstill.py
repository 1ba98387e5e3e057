"""What stands still: beat, a queue, a task of the schedule, or the chain of evidence."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from workers.db.schema import evidence_due
from workers.db.signs_of_life import Sign, did, read_signs, serves, took
from workers.evidence.waiting import LINKED_WITHIN
from workers.queues import CHAIN_EVIDENCE, EVERY, QUEUES, SCAN_PORTFOLIO, Queue

SILENT_FOR = 90
"""Seconds without a sign after which a queue counts as not served; workers give one every 15."""
QUEUE_STANDS_FOR = 300
"""Seconds in which no message of a queue that holds some was taken."""


class StandsStill(StrEnum):
    """What stands still."""

    BEAT = "beat"
    """Nothing is started: beat is down, or the broker takes no message."""
    NOT_SERVED = "not_served"
    """No worker serves a queue."""
    QUEUE = "queue"
    """A queue holds messages, and none is taken."""
    TASK = "task"
    """A task of the schedule does not end well."""
    CHAIN = "chain"
    """Evidence gets no link."""


class Standstill(NamedTuple):
    """Something that stands still."""

    kind: StandsStill
    what: str
    """The queue or the task."""
    since: datetime | None
    """When it last worked; None: never, as far as is known."""


def find_standstills(
    connection: Connection, depths: Mapping[str, int] | None, scan_seconds: int
) -> list[Standstill]:
    """What stands still now. `depths` is how many messages each queue holds; None: not known.

    Nothing is found in an installation whose workers never ran.
    """
    signs = read_signs(connection)
    if not any(name.startswith(("serves:", "took:")) for name in signs):
        return []
    return [*_find(signs, depths or {}, scan_seconds), *_chain(connection)]


def _chain(connection: Connection) -> Iterator[Standstill]:
    oldest = select(func.min(evidence_due.c.recorded_at))
    since = connection.execute(
        oldest.where(evidence_due.c.recorded_at < func.now() - LINKED_WITHIN)
    ).scalar()
    if since is not None:
        yield Standstill(StandsStill.CHAIN, CHAIN_EVIDENCE, since)


def _find(
    signs: Mapping[str, Sign], depths: Mapping[str, int], scan_seconds: int
) -> Iterator[Standstill]:
    not_served = {queue for queue in QUEUES if _is_older(signs.get(serves(queue)), SILENT_FOR)}
    for queue in QUEUES:
        if queue in not_served:
            yield Standstill(StandsStill.NOT_SERVED, queue, _at(signs.get(serves(queue))))
    if Queue.DISPATCH not in not_served and _is_older(signs.get(took(Queue.DISPATCH)), SILENT_FOR):
        # Three tasks are started there every two seconds; the others are then not started either.
        yield Standstill(StandsStill.BEAT, Queue.DISPATCH, _at(signs.get(took(Queue.DISPATCH))))
        return
    for queue in QUEUES:
        taken = signs.get(took(queue))
        if depths.get(queue) and queue not in not_served and _is_older(taken, QUEUE_STANDS_FOR):
            yield Standstill(StandsStill.QUEUE, queue, _at(taken))
    for task, seconds in {**EVERY, SCAN_PORTFOLIO: scan_seconds}.items():
        done = signs.get(did(task))
        # One that was never done may wait for its first turn.
        if done and task.split(".")[1] not in not_served and _is_older(done, 3 * seconds + 120):
            yield Standstill(StandsStill.TASK, task, done.at)


def _is_older(sign: Sign | None, seconds: float) -> bool:
    return sign is None or sign.seconds > seconds


def _at(sign: Sign | None) -> datetime | None:
    return sign.at if sign else None
