"""Beat's timetable, for tests that start everything on it themselves and wait for no clock."""

from celery import Celery
from kombu import Queue as KombuQueue

from workers import queues
from workers.messaging.broker import KEY_PREFIX

STARTED_BY_BEAT = tuple(
    queues.task_name(queue, "")
    for queue in (queues.Queue.SCAN, queues.Queue.DISPATCH, queues.Queue.MAINTENANCE)
)
TIMETABLE = tuple(
    name
    for constant, name in vars(queues).items()
    if constant.isupper() and str(name).startswith(STARTED_BY_BEAT)
)
"""The names of all tasks that beat starts: the scan, dispatch and maintenance."""


class Timetable:
    """Starts each task of the timetable whenever it is told to."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("timetable", broker=broker_url, set_as_current=False)
        self._app.conf.broker_transport_options = {"global_keyprefix": KEY_PREFIX}
        self._app.conf.task_queues = [KombuQueue(name) for name in queues.QUEUES]
        self._app.conf.task_routes = [queues.route]

    def tick(self) -> None:
        with self._app.producer_pool.acquire(block=True) as producer, producer.batch(100):  # type: ignore[attr-defined]  # newer than the published types
            for task in TIMETABLE:
                self._app.send_task(task, ignore_result=True, producer=producer)

    def start(self, task: str, *arguments: object) -> None:
        """Start this task alone."""
        self._app.send_task(task, arguments, ignore_result=True)

    def close(self) -> None:
        self._app.close()
