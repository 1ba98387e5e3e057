"""Textbook Celery: a task for each loan, sent with `.delay()`, two child processes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from celery import Celery

from tests.benchmarks.textbook.looking import look_at

READY = " ready."
commands = ((("-m", "celery", "-A", __name__, "worker", "--concurrency=2", "--loglevel=INFO")),)

app = Celery("textbook", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task
def look_at_loan(loan_id: int) -> None:
    look_at(loan_id)


def announce(loan_ids: Iterable[int], database_url: str) -> None:
    for loan_id in loan_ids:
        look_at_loan.delay(loan_id)
