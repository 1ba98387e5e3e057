"""Processes that a watchdog ends should this process be killed, and groups of them."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from domain.errors import ArrearsError
from workers.simulator.servers.environment import LOOPBACK, ServerUser

START_TIMEOUT = 240.0
"""Seconds after which a server that does not answer has failed; most need one."""

STOP_TIMEOUT = 15.0
"""Seconds between the request to stop and SIGKILL."""

LOG_TAIL_LINES = 12

WATCHDOG = Path(__file__).with_name("watchdog.py")


def log_tail(log: Path) -> str:
    """The last lines of a log file, for an error message."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, maxlen=LOG_TAIL_LINES)).strip() or "(none)"


class WatchedProcess:
    """One command and its watchdog."""

    def __init__(
        self,
        command: list[str],
        directory: Path,
        log: Path,
        environment: Mapping[str, str],
        user: ServerUser | None = None,
    ) -> None:
        """Start at once, in `directory`. `user` runs the command, if not the user of this process.

        The watchdog removes `directory` if this process is killed.
        """
        ids = (str(user.uid), str(user.gid)) if user else ("-", "-")
        watchdog = [sys.executable, "-I", "-S", str(WATCHDOG), str(os.getpid()), str(directory)]
        with log.open("a") as stderr:
            self._watchdog = subprocess.Popen(
                [*watchdog, *ids, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                # Ctrl-C must reach only this process, which then stops the others in order. And
                # `wait_or_kill` needs a process group of their own.
                start_new_session=True,
                env=dict(environment),
            )
        first_line = self._watchdog.stdout.readline() if self._watchdog.stdout else ""
        self.pid = int(first_line) if first_line else None
        """The process id of the command. None if it could not be started."""

    @property
    def running(self) -> bool:
        return self._watchdog.poll() is None

    def send_signal(self, number: signal.Signals) -> None:
        # While the watchdog runs, the id belongs to its command; later another process may get it.
        if self.pid is not None and self.running:
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait until the command has ended; 0 if it succeeded, otherwise 1.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        return self._watchdog.wait(timeout=timeout)

    def wait_or_kill(self, timeout: float) -> None:
        """Wait until the command has ended; after `timeout` seconds kill its process group."""
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self._watchdog.pid, signal.SIGKILL)
            self._watchdog.wait()
        self.close()

    def close(self) -> None:
        """Close the pipe from the watchdog."""
        if self._watchdog.stdout is not None:
            self._watchdog.stdout.close()


class ManagedProcess(WatchedProcess):
    """One process of the product, with a name, a log and perhaps an HTTP port."""

    def __init__(
        self,
        name: str,
        command: list[str],
        directory: Path,
        environment: Mapping[str, str],
        port: int | None,
    ) -> None:
        """Start at once, and log to `directory`. `port`: where it serves HTTP, if it does."""
        self.name = name
        self.port = port
        self.log = directory / f"{name}.log"
        super().__init__(command, directory, self.log, environment)

    def is_ready(self) -> bool:
        """Whether it answers HTTP requests without an error; always true without a port."""
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

    def log_tail(self) -> str:
        return log_tail(self.log)


class ProcessGroup:
    """All processes of one installation; a context manager that stops them in every case."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._processes: list[ManagedProcess] = []

    def start(
        self,
        name: str,
        command: list[str],
        *,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ManagedProcess:
        """Start one process, in the environment of the group unless it is given its own."""
        process = ManagedProcess(
            name, command, self._directory, environment or self._environment, port
        )
        self._processes.append(process)
        return process

    def wait_until_ready(self, *processes: ManagedProcess) -> None:
        """Wait until all of these processes answer.

        Raises:
            ArrearsError: one ended by itself, or did not answer in time.
        """
        deadline = time.monotonic() + START_TIMEOUT
        for process in processes:
            while not process.is_ready():
                self.check_running()
                if time.monotonic() > deadline:
                    raise ArrearsError(
                        "The process {process} does not answer after {seconds:.0f} seconds. The "
                        "last lines of its log:\n{log}",
                        process=process.name,
                        seconds=START_TIMEOUT,
                        log=process.log_tail(),
                    )
                time.sleep(0.1)

    def check_running(self) -> None:
        """Check that no process has ended by itself.

        Raises:
            ArrearsError: one has; the message contains the last lines of its log.
        """
        for process in self._processes:
            if not process.running:
                raise ArrearsError(
                    "The process {process} ended by itself. The last lines of its log:\n{log}",
                    process=process.name,
                    log=process.log_tail(),
                )

    def log_tails(self) -> str:
        """The last lines of every log, for an error that has no single cause."""
        return "\n".join(f"--- {process.name}\n{process.log_tail()}" for process in self._processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait_or_kill(max(0.0, deadline - time.monotonic()))
