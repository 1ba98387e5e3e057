"""Textbook dramatiq on Redis: an actor for each loan, two processes."""

import os
from collections.abc import Iterable

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.benchmarks.textbook.review import review

READY = "is ready for action"
# Two threads a process: with the default of eight they wait for one another's turn in Python.
commands = (("-m", "dramatiq", __name__, "--processes=2", "--threads=2"),)

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))  # type: ignore[no-untyped-call]


@dramatiq.actor
def review_loan(loan_id: int) -> None:
    review(loan_id)


def announce(loan_ids: Iterable[int], database_url: str) -> None:
    for loan_id in loan_ids:
        review_loan.send(loan_id)
