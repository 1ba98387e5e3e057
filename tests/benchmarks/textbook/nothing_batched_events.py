"""The same, and the worker sends task events of many tasks in one message, as Arrears does."""

from tests.benchmarks.textbook.nothing import READY, app, command
from workers.messaging.flower_events import BatchedTaskEvents

__all__ = ["READY", "app", "commands"]

commands = (command(__name__),)

app.steps["consumer"].add(BatchedTaskEvents)
