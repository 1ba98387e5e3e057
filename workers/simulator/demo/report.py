"""What `arrears demo` prints: progress while it runs, then what was done, what was not, and why."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import Progress as ProgressBar
from rich.status import Status
from rich.text import Text
from sqlalchemy import Connection

from domain.actions import ACTION_TYPES, ActionStatus
from domain.language.speak import with_sentence
from workers.cli.render import Table, console, errors
from workers.context import Context
from workers.history import loan_history
from workers.simulator.demo.backlog import Backlog
from workers.simulator.demo.installation import RehearsalHouse
from workers.simulator.demo.scenario import TAPE
from workers.simulator.demo.summary import (
    FAILED,
    WAITING,
    NotDone,
    StepTally,
    Tally,
    read_not_done,
    read_steps,
    richest_story,
)
from workers.tapes.csv_lines import Progress

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
    """Prints the day's progress to stderr; a context manager, for the line that is rewritten."""

    def __init__(self) -> None:
        self._status_line = Status("starting the servers", console=errors)

    def say(self, at: datetime, sentence: str) -> None:
        """Print one thing that was done; `at` is the time of the simulated day."""
        errors.print(Text.assemble((f"{at:%H:%M}  ", "dim"), sentence))

    def show(self, at: datetime, backlog: Backlog) -> None:
        """Show what is left at this moment."""
        self._status_line.update(f"{at:%H:%M}  {backlog}")

    def fail(self, why: str) -> None:
        errors.print(Text(f"arrears: {why}"))

    @contextmanager
    def importing(self) -> Iterator[Progress]:
        """A progress bar for the tape, in place of the status line."""
        self._status_line.stop()
        quiet = not errors.is_terminal
        with ProgressBar(console=errors, transient=True, disable=quiet) as bar:
            task = bar.add_task("reading the loan tape", total=TAPE.stat().st_size)
            yield lambda rows, read: bar.update(task, completed=read, description=f"{rows} rows")
        self._status_line.start()

    def __enter__(self) -> Self:
        self._status_line.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status_line.stop()


def print_json(connection: Connection, ctx: Context, tally: Tally) -> None:
    """The figures and both tables for programs: one object, one line."""
    tables = {
        "steps": [dataclasses.asdict(step) for step in read_steps(connection, ctx)],
        "reasons": [with_sentence(row) for row in read_not_done(connection)],
    }
    print(json.dumps(dataclasses.asdict(tally) | tables))


def print_report(connection: Connection, ctx: Context, tally: Tally) -> None:
    """What was done and what not, one loan's history, and the figures that must be right."""
    console.print()
    _print_steps(connection, ctx)
    console.print(
        "Skipped: the loan was past those days already when the book came in, and only the step "
        "that it has reached acts.\n",
        soft_wrap=False,
    )
    NOT_DONE.print(read_not_done(connection))
    _print_story(connection, ctx)
    console.print(
        f"{tally.loans} loans, of which {tally.due} were due for a look; {tally.decisions} "
        f"decisions. {tally.sms_sent} texts sent, {tally.calls_assigned} calls assigned, "
        f"{tally.visits_scheduled} visits scheduled, {tally.legal_files_opened} legal files opened."
    )
    console.print(
        f"{tally.deferred} actions had to wait for a lawful hour or a missing fact; "
        f"{tally.waiting} still wait."
    )
    console.print(
        f"Days past due agree with the lender's own status for {tally.agreement:.1%} of the loans: "
        "on this sample they must, for its due days were chosen so. docs/decisions/0003-due-day.md "
        "has the share for the whole tape, where they were not."
    )
    console.print(
        f"{tally.failed} failed, {tally.unexplained} cannot be explained, {tally.duplicates} were "
        f"done twice. All of it took {tally.seconds:.0f} seconds.",
        style="green" if tally.well else "red",
    )


def print_what_is_next() -> None:
    """What to read after the day: on stderr, because a program may read stdout."""
    errors.print(
        "\nWhere to look next:\n"
        "    make run                 the same day, left running: Flower, status, explain\n"
        "    docs/architecture.md     one page: the flow, and where every rule and task is\n"
        "    docs/operations.md       how to start it with a loan book of your own"
    )


def print_where_to_look(rehearsal: RehearsalHouse) -> None:
    """How to inspect it while it runs on: on stderr, because a program may read stdout."""
    with rehearsal.ctx.engine.connect() as connection:
        loan = richest_story(connection)
    arrears = shlex.quote(str(_command()))
    errors.print(
        Text(
            f"\nFlower: {rehearsal.flower_url}\n"
            "In another shell, to use this installation:\n"
            f"    . {shlex.quote(str(rehearsal.environment_file))}\n"
            f"    {arrears} status\n"
            f"    {arrears} worklist\n"
            f"    {arrears} explain {shlex.quote(loan or 'LOAN')}\n"
            f"Logs: {rehearsal.directory}\n"
            "Ctrl-C stops everything."
        )
    )


def _command() -> Path:
    """This installation's own, because its directory may not be in the PATH of another shell."""
    command = Path(sys.executable).with_name("arrears")
    here = Path.cwd()
    return command.relative_to(here) if command.is_relative_to(here) else command


def _print_steps(connection: Connection, ctx: Context) -> None:
    columns: dict[str, Callable[[StepTally], object]] = {
        "step": lambda step: step.step,
        "action": lambda step: ACTION_TYPES[step.action_type].words["en"],
        **{name: partial(_count, statuses=statuses) for name, statuses in COLUMNS.items()},
    }
    table = Table("What was done, by step of the ladder", columns, one_line=COLUMNS, right=COLUMNS)
    table.print(read_steps(connection, ctx))


def _count(step: StepTally, statuses: Sequence[ActionStatus]) -> str:
    return str(step.count(*statuses) or "")


def _print_story(connection: Connection, ctx: Context) -> None:
    loan = richest_story(connection)
    if loan is None:
        return
    console.print(Text(f"One loan's history, as `arrears explain {loan}` shows it", style="italic"))
    for sentence in loan_history(connection, ctx, loan):
        at = f"{sentence.at:%H:%M}  " if sentence.at else ""
        console.print(Text.assemble((at, "dim"), sentence.text))
    console.print()
