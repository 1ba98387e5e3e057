"""The desk of the product, watched: `python -m tests.crash_points.desk HOST PORT`.

It is served as `arrears desk` serves it: at first by this process, until SIGINT. From then on each
crash point kills the process that serves a call, with SIGKILL; the parent process, in which all is
imported, made and compiled by then, and which is connected to nothing, forks another one. So no
crash point costs the start of a Python.
"""

import gc
import os
import re
import signal
import sys
from contextlib import suppress
from unittest.mock import patch

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.crash_points.points import begin, watch_connections
from workers import newer_database
from workers.bootstrap import process_context
from workers.http import app, server
from workers.http.doors import POOL_SIZE
from workers.http.permission_of import AT_THE_DESK, DESK

_PATHS = {
    re.compile(re.sub(r"{\w+}", "[^/]+", asked)): asked.replace(DESK, "") for asked in AT_THE_DESK
}


class Watched:
    """The application; what a call of it commits is a point of its path."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            called = f"{scope['method']} {scope['path']}"
            begin(next((path for each, path in _PATHS.items() if each.fullmatch(called)), None))
        await self._application(scope, receive, send)


def main(host: str, port: int) -> None:
    """Serve until a signal asks for the end. Whoever is killed at a point has a successor."""
    watch_connections()
    made, engine = Watched(app.create_desk()), process_context(POOL_SIZE).engine
    newer_database.is_too_new(engine)  # it reads the migrations, once for all
    with patch.object(app, "create_desk", lambda: made):
        # A thread would be lost in a process that is forked.
        with patch.object(server, "watch_database"), suppress(KeyboardInterrupt):
            server.serve("create_desk", host, port)
        engine.dispose()
        gc.freeze()
        while True:
            _serve_until_killed(host, port)


def _serve_until_killed(host: str, port: int) -> None:
    serving = os.fork()
    if serving == 0:
        server.serve("create_desk", host, port)
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(serving, signal.SIGTERM))
    _, status = os.waitpid(serving, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        sys.exit(os.waitstatus_to_exitcode(status) != 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
