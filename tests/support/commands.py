"""`arrears` commands as real processes: started, watched, killed by their id, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import happens


class Process:
    """One `arrears` command, or what else Python runs, in its own process group."""

    def __init__(
        self,
        *command: str,
        environment: Mapping[str, str],
        log: Path,
        program: Sequence[str] = ("-m", "workers.cli.main"),
    ) -> None:
        self._log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, *program, *command],
                env=dict(environment),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL for it and all its children, at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self) -> None:
        """Ask it to end; make it end if it does not within ten seconds."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, seconds: float = 30) -> int:
        """Wait for it to end by itself; its exit code."""
        return self._process.wait(timeout=seconds)

    @property
    def output(self) -> str:
        return self._log.read_text()


def arrears(
    environment: Mapping[str, str], *command: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one `arrears` command to its end. No mistake of a user's may show a traceback."""
    return python(environment, "-m", "workers.cli.main", *command, folder=folder)


def python(
    environment: Mapping[str, str], *what: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this Python to its end, without a traceback."""
    done = subprocess.run(
        [sys.executable, *what],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@contextmanager
def running(
    *command: str,
    environment: Mapping[str, str],
    log: Path,
    program: Sequence[str] = ("-m", "workers.cli.main"),
) -> Iterator[Process]:
    """The command, while the block runs."""
    process = Process(*command, environment=environment, log=log, program=program)
    try:
        yield process
    finally:
        process.stop()


def eventually(what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `holds`, and fail with `what` if it never does."""
    assert happens(holds, within=seconds), f"still not so after {seconds:g} s: {what}"
