"""Textbook Celery: a task for each loan, sent with `.delay()`, two child processes."""

import os
from collections.abc import Iterable

from celery import Celery

from tests.benchmarks.textbook.review import review

READY = " ready."
commands = ((("-m", "celery", "-A", __name__, "worker", "--concurrency=2", "--loglevel=INFO")),)

app = Celery("textbook", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task
def review_loan(loan_id: int) -> None:
    review(loan_id)


def announce(loan_ids: Iterable[int], database_url: str) -> None:
    for loan_id in loan_ids:
        review_loan.delay(loan_id)
