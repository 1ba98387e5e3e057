"""What `arrears demo` prints: progress while it runs, then what was done, what was not, and why."""

import dataclasses
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from rich.status import Status
from rich.text import Text
from sqlalchemy import Connection

from domain.actions import ACTION_TYPES, ActionStatus
from domain.language.speak import with_sentence
from workers.cli.render import Table, console, errors
from workers.cli.tape_progress import import_progress
from workers.context import Context
from workers.history import loan_history
from workers.simulator.demo.backlog import Backlog
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.summary import (
    FAILED,
    WAITING,
    NotDone,
    StepSummary,
    Summary,
    most_eventful_loan,
    read_not_done,
    read_steps,
)
from workers.tapes.progress import Progress

COLUMNS: dict[str, tuple[ActionStatus, ...]] = {
    "done": (ActionStatus.ASSIGNED, ActionStatus.DONE),
    "deferred": (ActionStatus.DEFERRED,),
    "waiting": WAITING,
    "barred": (ActionStatus.BARRED,),
    "skipped": (ActionStatus.SKIPPED,),
    "cancelled": (ActionStatus.CANCELLED,),
    "failed": FAILED,
}


NOT_DONE = Table[NotDone](
    "What was not done, and why",
    {
        "action": lambda row: ACTION_TYPES[row.action_type].words["en"],
        "status": lambda row: row.status,
        "why": lambda row: row.reason,
        "actions": lambda row: row.actions,
    },
    right=("actions",),
)


class DemoScreen:
    """Prints progress to stderr; a context manager that shows and removes the status line."""

    def __init__(self) -> None:
        self._status_line = Status("starting the servers", console=errors)

    def report(self, at: datetime, sentence: str) -> None:
        """Print what was done; `at` is the simulated time."""
        errors.print(Text.assemble((f"{at:%H:%M}  ", "dim"), sentence))

    def show_backlog(self, at: datetime, backlog: Backlog) -> None:
        """Replace the status line by what is left to do now."""
        self._status_line.update(f"{at:%H:%M}  {backlog}")

    def report_error(self, message: str) -> None:
        errors.print(Text(f"arrears: {message}"))

    @contextmanager
    def importing(self) -> Iterator[Progress]:
        """Show a progress bar for the tape in place of the status line."""
        self._status_line.stop()
        with import_progress() as progress:
            yield progress
        self._status_line.start()

    def __enter__(self) -> Self:
        self._status_line.start()
        return self

    def __exit__(
        self,
        *_: object,
    ) -> None:
        self._status_line.stop()


def print_json(connection: Connection, ctx: Context, summary: Summary) -> None:
    """Print the summary and both tables for programs: one JSON object on one line."""
    tables = {
        "steps": [dataclasses.asdict(step) for step in read_steps(connection, ctx)],
        "reasons": [with_sentence(row) for row in read_not_done(connection)],
    }
    print(json.dumps(dataclasses.asdict(summary) | tables))


def print_report(connection: Connection, ctx: Context, summary: Summary) -> None:
    """Print what was done and what was not, one loan's history, and the summary."""
    console.print()
    _print_steps(connection, ctx)
    console.print(
        "Skipped: the loan was already past these days when it was imported. Only the step that it "
        "has reached acts.\n",
        soft_wrap=False,
    )
    NOT_DONE.print(read_not_done(connection))
    _print_story(connection, ctx)
    console.print(
        f"{summary.loans} loans, {summary.due} of them due for review; "
        f"{summary.decisions} decisions. {summary.sms_sent} texts sent, "
        f"{summary.calls_assigned} calls assigned, {summary.visits_scheduled} visits scheduled, "
        f"{summary.legal_files_opened} legal files opened."
    )
    console.print(
        f"{summary.deferred} actions had to wait for a lawful hour or a missing fact; "
        f"{summary.waiting} still wait."
    )
    console.print(
        f"Days past due agree with the lender's own status for {summary.agreement:.1%} of the "
        "loans. In this sample the due days were chosen so that they agree. "
        "docs/decisions/0003-due-day.md has the share for the whole tape."
    )
    console.print(
        f"{summary.failed} failed, {summary.unexplained} cannot be explained, "
        f"{summary.duplicates} were done twice. The demo took {summary.seconds:.0f} seconds.",
        style="green" if summary.succeeded else "red",
    )


def print_next_steps() -> None:
    """Print what to read next: to stderr, because a program may read stdout."""
    errors.print(
        "\nWhere to look next:\n"
        "    make run                 the same day, left running: Flower, status, explain\n"
        "    docs/architecture.md     one page: the flow, and where every rule and task is\n"
        "    docs/operations.md       how to start it with a loan book of your own"
    )


def print_access(installation: Installation) -> None:
    """Print how to inspect the installation: to stderr, because a program may read stdout."""
    with installation.ctx.engine.connect() as connection:
        loan = most_eventful_loan(connection)
    arrears = shlex.quote(str(_command()))
    errors.print(
        Text(
            f"\nFlower: {installation.flower_url}\n"
            "In another shell, to use this installation:\n"
            f"    . {shlex.quote(str(installation.environment_file))}\n"
            f"    {arrears} status\n"
            f"    {arrears} worklist\n"
            f"    {arrears} explain {shlex.quote(loan or 'LOAN')}\n"
            f"Logs: {installation.directory}\n"
            "Ctrl-C stops everything."
        )
    )


def _command() -> Path:
    """The path of `arrears`, because its directory may not be in the PATH of another shell."""
    command = Path(sys.executable).with_name("arrears")
    here = Path.cwd()
    return command.relative_to(here) if command.is_relative_to(here) else command


def _print_steps(connection: Connection, ctx: Context) -> None:
    columns: dict[str, Callable[[StepSummary], object]] = {
        "step": lambda step: step.step,
        "action": lambda step: ACTION_TYPES[step.action_type].words["en"],
        **{name: partial(_count, statuses=statuses) for name, statuses in COLUMNS.items()},
    }
    table = Table("What was done, by step of the ladder", columns, one_line=COLUMNS, right=COLUMNS)
    table.print(read_steps(connection, ctx))


def _count(step: StepSummary, statuses: Sequence[ActionStatus]) -> str:
    return str(step.count(*statuses) or "")


def _print_story(connection: Connection, ctx: Context) -> None:
    loan = most_eventful_loan(connection)
    if loan is None:
        return
    console.print(Text(f"One loan's history, as `arrears explain {loan}` shows it", style="italic"))
    for sentence in loan_history(connection, ctx, loan):
        at = f"{sentence.at:%H:%M}  " if sentence.at else ""
        console.print(Text.assemble((at, "dim"), sentence.text))
    console.print()
