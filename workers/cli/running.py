"""Which command runs."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

_running: ContextVar[str] = ContextVar("running_command")


def running_command() -> str:
    """The command that runs, such as `payment record`."""
    return _running.get()


def with_names(command: Any, name: str) -> Any:
    """The command, or the group of commands, each of which is known as running when it runs."""
    for own, each in getattr(command, "commands", {}).items():
        with_names(each, f"{name} {own}")
    if not hasattr(command, "commands"):
        command.callback = _named(command.callback, name)
    return command


def _named(callback: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        token = _running.set(name)
        try:
            return callback(*args, **kwargs)
        finally:
            _running.reset(token)

    return run
