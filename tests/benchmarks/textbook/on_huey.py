"""Textbook huey on Redis: a task for each loan, two worker processes."""

import os
from collections.abc import Iterable

from huey import RedisHuey

from tests.benchmarks.textbook.review import review

READY = "The following commands are available"
commands = (
    ("-m", "huey.bin.huey_consumer", f"{__name__}.huey", "--workers=2", "--worker-type=process"),
)

huey = RedisHuey("textbook", url=os.environ["REDIS_URL"], results=False)


@huey.task()  # type: ignore[untyped-decorator]  # huey publishes no types
def review_loan(loan_id: int) -> None:
    review(loan_id)


def announce(loan_ids: Iterable[int], database_url: str) -> None:
    for loan_id in loan_ids:
        review_loan(loan_id)
