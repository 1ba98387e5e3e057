"""Flower's command, with two changes: it lists every queue, and knows only the broker.

Flower lists the queues of the workers that it has found. The queue of a worker that is down, or
came later, would be missing, and that is the queue to watch. It shows what workers report, so it
needs none of the tasks, and none of the settings but the broker's URL.
"""

import os

from celery import Celery
from celery.__main__ import main
from flower.views import BaseHandler
from kombu import Queue

from config.environment import load_broker_settings
from workers.messaging.broker import TRANSPORT_OPTIONS, tls_options
from workers.messaging.closed_connections import expect_closed_connections
from workers.queues import QUEUES

expect_closed_connections()
broker_url = load_broker_settings(os.environ).redis_url
app = Celery("arrears", broker=broker_url)
app.conf.update(
    broker_use_ssl=tls_options(broker_url),  # with this it asks for the lengths of queues
    broker_transport_options=TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    task_queues=[Queue(name) for name in QUEUES],
    task_create_missing_queues=False,
    accept_content=["json"],
    timezone="UTC",
)


def every_queue(_: BaseHandler) -> list[str]:
    """Stands in for the method of Flower that lists queues."""
    return [str(queue) for queue in QUEUES]


BaseHandler.get_active_queue_names = every_queue

if __name__ == "__main__":
    main()
