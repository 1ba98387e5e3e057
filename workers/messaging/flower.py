"""Flower's command, with one change: it lists every queue.

Flower lists the queues of the workers that it has found. The queue of a worker that is down, or
came later, would be missing, and that is the queue to watch.
"""

from celery.__main__ import main
from flower.views import BaseHandler

from workers.queues import QUEUES


def every_queue(_: BaseHandler) -> list[str]:
    """Stands in for the method of Flower that lists queues."""
    return [str(queue) for queue in QUEUES]


BaseHandler.get_active_queue_names = every_queue

if __name__ == "__main__":
    main()
