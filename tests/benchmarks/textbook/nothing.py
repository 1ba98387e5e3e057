"""Celery doing nothing at all, with Arrears's own settings: the least that a message costs."""

from celery import Celery

from tests.benchmarks.sizes import SINGLE_PROCESSES
from workers import celeryconfig, queues

READY = " ready."


def command(module: str) -> tuple[str, ...]:
    """What starts a worker of the app in this module."""
    return (
        "-m",
        "celery",
        f"--app={module}",
        "worker",
        f"--queues={queues.Queue.ESCALATE}",
        f"--concurrency={SINGLE_PROCESSES}",
        f"--prefetch-multiplier={queues.prefetch_multiplier([queues.Queue.ESCALATE])}",
        "--without-gossip",
        "--without-mingle",
        "--task-events",
        "--loglevel=INFO",
    )


commands = (command(__name__),)

app = Celery("nothing")
app.config_from_object(celeryconfig)
app.conf.include = []


@app.task(name=queues.ESCALATE_LOANS)
def escalate_loans(loan_ids: list[int]) -> str:
    return f"{len(loan_ids)} not reviewed"
