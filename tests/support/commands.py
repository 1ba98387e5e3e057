"""`arrears` commands: run in the test's own process, or as real processes of which none is left."""

import contextlib
import io
import logging
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest.mock import patch

import psycopg2
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError

from config.readers import policy
from config.readers.policy import Policy
from config.readers.templates import Templates
from config.settings import Settings
from tests.support.loans import shipped_policy, shipped_templates
from tests.support.processes import ending_with_us, happens
from tests.support.signed_in import WHOEVER, signed_in
from workers import bootstrap
from workers.access.secrets import NAMES_FILE
from workers.cli import policy as cli_policy
from workers.cli.main import main
from workers.db import engine

SHIPPED: Path = Settings.model_fields["policy_dir"].default
"""The folder of the policy that the product ships."""


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
                ending_with_us(sys.executable, *program, *command),
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
    environment: Mapping[str, str], *command: str, folder: Path | None = None, by: str = WHOEVER
) -> CompletedProcess[str]:
    """Run one `arrears` command to its end, in this process, as a process of its own would.

    It is run by whoever has the staff reference `by`, unless the environment names a token.

    It sees this environment and folder and nothing of pytest's logging; what it opens is closed,
    and what it changed is put back. An error that it does not answer in a sentence is raised.
    """
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, signed_in(environment, by), clear=True))
        stack.enter_context(contextlib.chdir(folder or Path.cwd()))
        stack.enter_context(
            patch.object(runpy, "run_module", side_effect=AssertionError("it starts"))
        )
        stack.enter_context(_own_logging())
        stack.enter_context(_own_context())
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        with pytest.raises(SystemExit) as ended:
            main(command)
    code = ended.value.code
    assert isinstance(code, int), f"no exit code: {code}"
    return CompletedProcess(command, code, out.getvalue(), err.getvalue())


def granted(
    environment: Mapping[str, str], *command: str, by: str = WHOEVER, second: str = "second-1"
) -> CompletedProcess[str]:
    """Run a command that needs a second person: it is asked for, granted by another, and run."""
    asked = arrears(environment, *command, by=by)
    request = re.search(r"request grant (\d+)", asked.stderr)
    assert request, asked
    others = {name: value for name, value in environment.items() if name != NAMES_FILE}
    done = arrears(others, "request", "grant", request[1], by=second)
    assert done.returncode == 0, done.stderr
    return arrears(environment, *command, by=by)


@contextmanager
def _own_logging() -> Iterator[None]:
    """No handlers at the start, as in a new process; levels and handlers are put back."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    loggers = [log for log in root.manager.loggerDict.values() if isinstance(log, logging.Logger)]
    levels = [(log, log.level) for log in loggers]
    try:
        yield
    finally:
        root.handlers = handlers
        for log, level in levels:
            if log.level != level:
                log.setLevel(level)


@contextmanager
def _own_context() -> Iterator[None]:
    """A context of its own.

    Only what the product ships is read once for all commands, each statement compiled once, and a
    connection used as long as it is open: files and statements do not change, and a new connection
    takes longer than what most commands ask.
    """

    def load_policy(folder: Path, template_names: Collection[str]) -> Policy:
        if folder == SHIPPED:
            return shipped_policy()
        return policy.load_policy(folder, template_names=template_names)

    def load_templates(folder: Path) -> Templates:
        return shipped if folder == SHIPPED / "templates" else read_templates(folder)

    shipped, read_templates = shipped_templates(), Templates.load
    bootstrap.process_context.cache_clear()
    try:
        with (
            patch.multiple(bootstrap, connect=_engine, load_policy=load_policy),
            patch.object(cli_policy, "load_policy", load_policy),
            patch.object(Templates, "load", load_templates),
        ):
            yield
    finally:
        bootstrap.process_context.cache_clear()


@cache
def _engine(url: str, **options: Any) -> Engine:
    """Its connections are cut off with those of the test, so each is tried before it is used."""
    made = engine.connect(url, **options)

    def ping(connection: DBAPIConnection, *_: object) -> None:
        try:
            made.dialect.do_ping(connection)
        except psycopg2.Error:
            raise DisconnectionError from None

    event.listen(made, "checkout", ping, insert=True)
    return made


def arrears_process(
    environment: Mapping[str, str], *command: str, by: str = WHOEVER
) -> CompletedProcess[str]:
    """Run one `arrears` command as a process of its own, for tests about the process itself."""
    return python(signed_in(environment, by), "-m", "workers.cli.main", *command)


def python(environment: Mapping[str, str], *what: str) -> CompletedProcess[str]:
    """Run this Python to its end, without a traceback."""
    done = subprocess.run(
        [sys.executable, *what],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
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


def eventually(what: str, holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until `holds`, and fail with `what` if it never does.

    The bound is far above what is needed: on a busy machine a worker takes a minute to start.
    """
    assert happens(holds, within=seconds), f"still not so after {seconds:g} s: {what}"
