"""A server that can be started, stopped, killed and started again, and leaves no files behind."""

import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from domain.errors import ArrearsError
from workers.simulator.servers.environment import free_port, new_directory, unprivileged_user
from workers.simulator.servers.processes import (
    START_TIMEOUT,
    STOP_TIMEOUT,
    WatchedProcess,
    log_tail,
)

# Nothing of the caller's environment: a PGDATA of another server must have no effect.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class ManagedServer(ABC):
    """One directory, one port and one watched process. A context manager: start, close."""

    name: str

    def __init__(self, parent: Path | None = None) -> None:
        """Start nothing yet. `parent` is where to create the temporary directory, if not as usual.

        Raises:
            ArrearsError: there is no user to run the server, or no free port.
        """
        self._parent = parent
        self._user = unprivileged_user()
        self._directory: Path | None = None
        self._process: WatchedProcess | None = None
        self.port = free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients: the same before and after a restart."""

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            ArrearsError: the server does not run.
        """
        if self._process is None or self._process.pid is None or not self.running:
            raise ArrearsError("The local {server} does not run. Start it first.", server=self.name)
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def directory(self) -> Path:
        """The directory of the server's data and log, until `close`.

        Raises:
            ArrearsError: the user that runs the server cannot enter it.
        """
        if self._directory is None:
            prefix = f"arrears-{self.name.lower()}-"
            self._directory = new_directory(prefix, self._user, self._parent)
        return self._directory

    def start(self) -> None:
        """Start the server, and return once it answers.

        Raises:
            ArrearsError: it did not start; the message contains the last lines of its log.
        """
        if self.running:
            return
        self._prepare()
        self._launch(self._command())
        deadline = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise self._failure()
            if not self.running:
                if not self._may_retry():
                    raise self._failure()
                self._launch(self._command())
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server normally, or with SIGKILL if that takes too long. Its files stay."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a crash would, with SIGKILL. Its files stay."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop, and remove the directory."""
        self.stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> None:
        """Create what the server needs, before its first start only."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The server's command line; the server must stay in the foreground."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server accepts clients now."""

    def _may_retry(self) -> bool:
        """Whether to start a server again that ended while it was starting."""
        return False

    def _launch(self, command: list[str]) -> None:
        if self._process is not None:
            self._process.close()
        self._process = WatchedProcess(command, self.directory, self._log, _ENVIRONMENT, self._user)

    def _run(self, command: list[str]) -> None:
        """Run a command that prepares the server, with the same user, log and watchdog.

        Raises:
            ArrearsError: it failed.
        """
        self._launch(command)
        if self._process is None or self._process.wait(START_TIMEOUT) != 0:
            raise self._failure()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait_or_kill(STOP_TIMEOUT)
            self._process = None

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _failure(self) -> ArrearsError:
        return ArrearsError(
            "The local {server} did not start. Free some memory and disk space and try again, or "
            "set DATABASE_URL and REDIS_URL to servers of your own. The last lines of its "
            "log:\n{log}",
            server=self.name,
            log=log_tail(self._log),
        )
