"""Textbook procrastinate: its queue is a table of the same PostgreSQL; two worker processes."""

import os
from collections.abc import Iterable

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.types import JSONDict
from sqlalchemy import make_url

from tests.benchmarks.textbook.review import review

READY = "Starting worker"
ONE = ("-m", "procrastinate", f"--app={__name__}.app", "--verbose", "worker", "--concurrency=2")
commands = (ONE, ONE)


def conninfo(database_url: str) -> str:
    """The URL as libpq reads it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(False)


app = App(connector=PsycopgConnector(conninfo=conninfo(os.environ["DATABASE_URL"])))


@app.task(name="review_loan")
def review_loan(loan_id: int) -> None:
    review(loan_id)


def announce(loan_ids: Iterable[int], database_url: str) -> None:
    connector = SyncPsycopgConnector(conninfo=conninfo(database_url))
    with app.replace_connector(connector) as there, there.open():
        deferred: list[JSONDict] = [{"loan_id": loan_id} for loan_id in loan_ids]
        there.tasks["review_loan"].batch_defer(*deferred)


def apply_schema(database_url: str) -> None:
    """Make procrastinate's own tables."""
    connector = SyncPsycopgConnector(conninfo=conninfo(database_url))
    with app.replace_connector(connector) as there, there.open():
        there.schema_manager.apply_schema()
