"""The Celery application. Its settings are in workers.celeryconfig, which it reads at first use."""

from celery import Celery
from celery.signals import worker_init

from workers.log_lines import write_visible_lines
from workers.messaging.alive import WritesAliveFile
from workers.messaging.closed_connections import expect_closed_connections
from workers.messaging.flower_events import BatchedTaskEvents
from workers.signs_of_life import WritesSignsOfLife

write_visible_lines()
expect_closed_connections()
app = Celery("arrears")
app.config_from_object("workers.celeryconfig")
app.steps["consumer"].add(BatchedTaskEvents)
app.steps["consumer"].add(WritesSignsOfLife)
app.steps["consumer"].add(WritesAliveFile)


@worker_init.connect
def build_context_before_fork(**_: object) -> None:
    """Read policy and templates before the pool forks: processes share them, and no task waits.

    No connection is open yet, so the processes share none.
    """
    from workers.bootstrap import process_context

    process_context()
