"""A server that is started, stopped, killed and started again, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from domain.errors import ArrearsError
from workers.simulator.servers.environment import free_port, new_directory, unprivileged_account

START_WITHIN = 60.0
"""Seconds until a server that does not answer counts as failed; one is the rule."""

STOP_WITHIN = 15.0
"""Seconds between asking a server to end and ending it."""

KEEPER = Path(__file__).with_name("watchdog.py")


class KeptServer(ABC):
    """One directory, one port, and one process under a keeper. A context manager: start, close."""

    name: str

    def __init__(self, inside: Path | None = None) -> None:
        """Nothing starts yet. `inside` says where to make the temporary directory, if not as usual.

        Raises ArrearsError if no account or no port can be had.
        """
        self._inside = inside
        self._account = unprivileged_account()
        self._directory: Path | None = None
        self._keeper: subprocess.Popen[str] | None = None
        self._pid: int | None = None
        self.port = free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find the server: the same before and after a restart."""

    @property
    def pid(self) -> int:
        """The server's process id. Raises ArrearsError while it does not run."""
        if self._pid is None or not self.running:
            raise ArrearsError(f"The local {self.name} does not run. Start it first.")
        return self._pid

    @property
    def running(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    @property
    def directory(self) -> Path:
        """Where the server keeps its data and its log, until `close`.

        Raises ArrearsError if the account that runs the server cannot get there.
        """
        if self._directory is None:
            prefix = f"arrears-{self.name.lower()}-"
            self._directory = new_directory(prefix, self._account, self._inside)
        return self._directory

    def start(self) -> None:
        """Return once the server answers. Raises ArrearsError, with its last words, if it won't."""
        if self.running:
            return
        self._prepare()
        self._launch(self._command())
        give_up_at = time.monotonic() + START_WITHIN
        while not self._answers():
            if time.monotonic() > give_up_at:
                raise self._failure()
            if not self.running:
                if not self._may_try_again():
                    raise self._failure()
                self._launch(self._command())
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server in good order, by force if that takes too long. Its files stay."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL). Its files stay."""
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the server needs before its first start; at later ones, nothing."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The server's command line; it must stay in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether a client is served now."""

    def _may_try_again(self) -> bool:
        """Whether a server that ended while it was starting deserves another try."""
        return False

    def _launch(self, command: list[str]) -> None:
        self._let_go()
        account = self._account
        user = [str(account.uid), str(account.gid)] if account else ["-", "-"]
        keeper = [sys.executable, "-I", "-S", str(KEEPER), str(os.getpid())]
        with (self.directory / "log").open("a") as log:
            self._keeper = subprocess.Popen(
                [*keeper, str(self.directory), *user, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C is for the caller, who may still need the server to finish in good order.
                start_new_session=True,
                # Nothing of the caller's environment: a stray PGDATA must not steer a server.
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        first_line = self._keeper.stdout.readline() if self._keeper.stdout else ""
        self._pid = int(first_line) if first_line else None

    def _run_to_its_end(self, command: list[str]) -> None:
        """Run what prepares the server, under the same care. Raises ArrearsError if it fails."""
        self._launch(command)
        if self._keeper is None or self._keeper.wait(timeout=START_WITHIN) != 0:
            raise self._failure()
        self._let_go()

    def _end(self, how: signal.Signals) -> None:
        if self._keeper is None:
            return
        self._signal(how)
        try:
            self._keeper.wait(timeout=STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._keeper.wait(timeout=STOP_WITHIN)
        self._let_go()

    def _signal(self, number: signal.Signals) -> None:
        # While the keeper lives, the id is that of its child; later it may be anybody's.
        if self._pid is not None and self.running:
            os.kill(self._pid, number)

    def _let_go(self) -> None:
        if self._keeper is not None and self._keeper.stdout is not None:
            self._keeper.stdout.close()
        self._keeper = None
        self._pid = None

    def _last_words(self) -> str:
        with (self.directory / "log").open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=10)).strip() or "(none)"

    def _failure(self) -> ArrearsError:
        return ArrearsError(
            f"The local {self.name} did not start. Free some memory and disk space and try again, "
            "or set DATABASE_URL and REDIS_URL to servers of your own. Its last words:\n"
            f"{self._last_words()}"
        )
