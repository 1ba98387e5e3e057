"""Which command runs, and which of its options a refusal is about."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

import typer

from domain.errors import ArrearsError

_running: ContextVar[str] = ContextVar("running_command")


def running_command() -> str:
    """The command that runs, such as `payment record`."""
    return _running.get()


def with_names(command: Any, name: str) -> Any:
    """The command, or the group of commands, each of which is known as running when it runs.

    A refusal is raised on with a note: the options that it is about and does not name.
    """
    for own, each in getattr(command, "commands", {}).items():
        with_names(each, f"{name} {own}")
    if not hasattr(command, "commands"):
        command.callback = _named(command, command.callback, name)
    return command


def _named(command: Any, callback: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        token = _running.set(name)
        try:
            return callback(*args, **kwargs)
        except (ArrearsError, typer.BadParameter) as error:
            _note_options(error, command.params, kwargs)
            raise
        finally:
            _running.reset(token)

    return run


def _note_options(
    error: ArrearsError | typer.BadParameter, params: Any, given: dict[str, Any]
) -> None:
    from workers.cli.options_meant import options_meant

    if isinstance(error, typer.BadParameter):
        if error.param is None and error.param_hint is None:
            error.param_hint = options_meant(params, given, error.message) or None
        return
    codes = [reason.code for reason in getattr(error, "reason", ())]
    if options := options_meant(params, given, str(error), codes):
        error.add_note(", ".join(options))
