"""Processes of the house itself, run for a rehearsal: started, watched, and never left behind."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from domain.errors import ArrearsError
from workers.simulator.servers.environment import LOOPBACK
from workers.simulator.servers.managed_server import KEEPER, START_WITHIN

STOP_WITHIN = 15.0
"""Seconds that all of them together have to finish what they are doing and end."""

LAST_LINES = 12


class Child:
    """One process under a keeper, which ends it should the rehearsal itself be killed."""

    def __init__(
        self,
        name: str,
        command: list[str],
        directory: Path,
        environment: Mapping[str, str],
        port: int | None,
    ) -> None:
        """Starts at once, in `directory`, and logs there. `port` is where it serves HTTP, if so."""
        self.name = name
        self.port = port
        self.log = directory / f"{name}.log"
        keeper = [sys.executable, "-I", "-S", str(KEEPER), str(os.getpid()), str(directory)]
        with self.log.open("a") as log:
            self._keeper = subprocess.Popen(
                [*keeper, "-", "-", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C is for the rehearsal, which then ends its processes in good order; and the
                # group that this makes is how all that a process has started can be ended.
                start_new_session=True,
                env=dict(environment),
            )
        first_line = self._keeper.stdout.readline() if self._keeper.stdout else ""
        self._pid = int(first_line) if first_line else None

    @property
    def running(self) -> bool:
        return self._keeper.poll() is None

    def answers(self) -> bool:
        """Whether it serves HTTP by now."""
        if self.port is None:
            return True
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ask_to_end(self) -> None:
        # While the keeper lives, the id is that of its child; later it may be anybody's.
        if self._pid is not None and self.running:
            os.kill(self._pid, signal.SIGTERM)

    def wait_for_end(self, until: float) -> None:
        """Return when it has ended; from the monotonic moment `until` on, by force."""
        try:
            self._keeper.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self._keeper.pid, signal.SIGKILL)
            self._keeper.wait()
        if self._keeper.stdout:
            self._keeper.stdout.close()

    def last_words(self) -> str:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=LAST_LINES)).strip() or "(none)"


class Children:
    """All processes of one rehearsal; a context manager that ends them, however it is left."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._all: list[Child] = []

    def start(
        self,
        name: str,
        command: list[str],
        *,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start one process, in the environment of all unless it is given its own."""
        child = Child(name, command, self._directory, environment or self._environment, port)
        self._all.append(child)
        return child

    def wait_until_answering(self, *children: Child) -> None:
        """Return once all of them serve. Raises ArrearsError if one ends, or does not in time."""
        give_up_at = time.monotonic() + START_WITHIN
        for child in children:
            while not child.answers():
                self.check()
                if time.monotonic() > give_up_at:
                    raise _failure(child, f"does not answer after {START_WITHIN:.0f} seconds")
                time.sleep(0.1)

    def check(self) -> None:
        """Raises ArrearsError, with its last words, if a process has ended by itself."""
        for child in self._all:
            if not child.running:
                raise _failure(child, "ended by itself")

    def last_words(self) -> str:
        """What each of them logged last, for an error that has no single cause."""
        return "\n".join(f"--- {child.name}\n{child.last_words()}" for child in self._all)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        give_up_at = time.monotonic() + STOP_WITHIN
        for child in self._all:
            child.ask_to_end()
        for child in self._all:
            child.wait_for_end(give_up_at)


def _failure(child: Child, what: str) -> ArrearsError:
    return ArrearsError(f"The process {child.name} {what}. Its last words:\n{child.last_words()}")
