"""What `arrears demo` prints: progress while it runs, then what was done, what was not, and why."""

import dataclasses
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from rich.status import Status
from rich.text import Text
from sqlalchemy import Connection

from domain.actions import ACTION_TYPES, ActionStatus
from domain.follow_ups import FOLLOW_UP
from domain.language.speak import with_sentence
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import Table, console, errors
from workers.cli.story import print_story
from workers.cli.tape_progress import import_progress
from workers.context import Context
from workers.history import loan_history
from workers.simulator.demo.backlog import Backlog
from workers.simulator.demo.books import CN, DemoBook
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

COUNTED = ("done", "deferred", "waiting", "barred", "skipped", "cancelled", "failed")

STEPS = Table[StepSummary](
    "What was done, by step of the ladder",
    {
        "step": lambda row: row.step,
        "action": lambda row: _words(row.action_type),
        "done": lambda row: _count(row, (ActionStatus.ASSIGNED, ActionStatus.DONE)),
        "deferred": lambda row: _count(row, (ActionStatus.DEFERRED,)),
        "waiting": lambda row: _count(row, WAITING),
        "barred": lambda row: _count(row, (ActionStatus.BARRED,)),
        "skipped": lambda row: _count(row, (ActionStatus.SKIPPED,)),
        "cancelled": lambda row: _count(row, (ActionStatus.CANCELLED,)),
        "failed": lambda row: _count(row, (*FAILED, ActionStatus.UNDELIVERED)),
    },
    one_line=COUNTED,
    right=COUNTED,
)
NOT_DONE = Table[NotDone](
    "What was not done, and why",
    {
        "action": lambda row: _words(row.action_type),
        "status": lambda row: coded("status", row.status),
        "why": lambda row: row.reason,
        "actions": lambda row: row.actions,
    },
    right=("actions",),
)


class DemoScreen:
    """Prints progress to stderr; a context manager that shows and removes the status line."""

    def __init__(self) -> None:
        self._status_line = Status(say("starting the servers"), console=errors)

    def report(self, at: datetime, sentence: str) -> None:
        """Print what was done; `at` is the simulated time."""
        errors.print(Text.assemble((f"{at:%H:%M}  ", "dim"), sentence))

    def show_backlog(self, at: datetime, backlog: Backlog) -> None:
        """Replace the status line by what is left to do now."""
        left = say(
            "{loans} loans due for review, {actions} actions due, {texts} texts without a final "
            "receipt, {events} events to apply",
            **dataclasses.asdict(backlog),
        )
        self._status_line.update(f"{at:%H:%M}  {left}")

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


def print_report(
    connection: Connection, installation: Installation, summary: Summary, loans: Sequence[str]
) -> None:
    """Print what was done and what was not, the history of `loans`, and the summary."""
    ctx = installation.ctx
    console.print()
    _print_steps(connection, ctx)
    console.print(
        say(
            "Skipped: the loan was already past these days when it was imported. Only the step "
            "that it has reached acts."
        )
        + "\n",
        soft_wrap=False,
    )
    NOT_DONE.print(read_not_done(connection))
    for loan in loans:
        _print_story(connection, ctx, loan)
    console.print(
        say(
            "{loans} loans, {due} of them due for review; {decisions} decisions. {sms_sent} texts "
            "sent, {undelivered} of them not delivered; {calls_assigned} calls assigned, "
            "{visits_scheduled} visits scheduled, {legal_files_opened} legal files opened.",
            loans=summary.loans,
            due=summary.due,
            decisions=summary.decisions,
            sms_sent=summary.sms_sent,
            undelivered=summary.undelivered,
            calls_assigned=summary.calls_assigned,
            visits_scheduled=summary.visits_scheduled,
            legal_files_opened=summary.legal_files_opened,
        )
    )
    console.print(
        say(
            "Promises kept: {kept}, broken: {broken}. Instalment plans active: {plans}. Borrowers "
            "who said why they are late: {reasons}.",
            kept=summary.promises_kept,
            broken=summary.promises_broken,
            plans=summary.plans_active,
            reasons=summary.reasons_learnt,
        )
    )
    console.print(
        say(
            "{deferred} actions had to wait for a lawful hour or a missing fact; {waiting} still "
            "wait.",
            deferred=summary.deferred,
            waiting=summary.waiting,
        )
    )
    console.print(_agreement(installation.book, summary))
    console.print(
        say(
            "{failed} failed (texts that were not delivered are counted above), {unexplained} "
            "cannot be explained, {duplicates} were done twice. The demo took {seconds:.0f} "
            "seconds.",
            failed=summary.failed,
            unexplained=summary.unexplained,
            duplicates=summary.duplicates,
            seconds=summary.seconds,
        ),
        style="green" if summary.succeeded else "red",
    )


def _agreement(book: DemoBook, summary: Summary) -> str:
    said = say(
        "Days past due agree with the lender's own status for {agreement:.1%} of the loans.",
        agreement=summary.agreement,
    )
    if book is CN:
        return said
    return said + say(
        " In this sample the due days were chosen so that they agree. "
        "docs/decisions/0003-due-day.md has the share for the whole tape."
    )


def print_next_steps(book: DemoBook) -> None:
    """Print what to read next: to stderr, because a program may read stdout."""
    errors.print(
        "\n"
        + say(
            "Where to look next:\n"
            "    {run} the same days, left running: Flower, status, explain\n"
            "    docs/architecture.md     one page: the flow, and where every rule and task is\n"
            "    docs/operations.md       how to start it with a loan book of your own",
            run=f"{'make run BOOK=cn' if book is CN else 'make run':<24}",
        )
    )


def print_servers(installation: Installation) -> None:
    """Print how to use the empty database: to stderr, as `print_access` does."""
    errors.print(
        Text(
            say(
                "An empty database is ready. In another shell, to use it:\n"
                "    . {environment}\n"
                "    {arrears} tape import TAPE.csv --mapping MAPPING.yaml --as-of DAY --dry-run\n"
                "Ctrl-C stops the servers and removes the database.",
                environment=shlex.quote(str(installation.environment_file)),
                arrears=shlex.quote(str(_command())),
            )
        )
    )


def print_access(installation: Installation) -> None:
    """Print how to inspect the installation: to stderr, because a program may read stdout."""
    with installation.ctx.engine.connect() as connection:
        loan = most_eventful_loan(connection)
    arrears = shlex.quote(str(_command()))
    errors.print(
        Text(
            "\n"
            + say(
                "Flower: {flower}\n"
                "Events and callbacks: {webhook}\n"
                "API for dialers: {api}\n"
                "Desk of collectors: {desk}/api/v1\n"
                "In another shell, to use this installation:\n"
                "    . {environment}\n"
                "    {arrears} status\n"
                "    {arrears} worklist\n"
                "    {arrears} explain {loan}\n"
                "Logs: {logs}\n"
                "Ctrl-C stops everything.",
                flower=installation.flower_url,
                webhook=installation.ctx.settings.public_url,
                api=installation.api_url,
                desk=installation.desk_url,
                environment=shlex.quote(str(installation.environment_file)),
                arrears=arrears,
                loan=shlex.quote(loan or "LOAN"),
                logs=installation.directory,
            )
        )
    )


def _command() -> Path:
    """The path of `arrears`, because its directory may not be in the PATH of another shell."""
    command = Path(sys.executable).with_name("arrears")
    here = Path.cwd()
    return command.relative_to(here) if command.is_relative_to(here) else command


def _print_steps(connection: Connection, ctx: Context) -> None:
    names = {step.id: step.names for ladder in ctx.policy.ladders for step, _ in ladder.items}
    language = language_of_environment()
    names[FOLLOW_UP] = {language: say("follow-up")}
    STEPS.print(
        dataclasses.replace(row, step=names.get(row.step, {}).get(language, row.step))
        for row in read_steps(connection, ctx)
    )


def _words(action_type: str) -> str:
    return ACTION_TYPES[action_type].words[language_of_environment()]


def _count(step: StepSummary, statuses: Sequence[ActionStatus]) -> str:
    return str(step.count(*statuses) or "")


def _print_story(connection: Connection, ctx: Context, loan: str) -> None:
    title = say("One loan's history, as `arrears explain {loan}` shows it", loan=loan)
    console.print(Text(title, style="italic"))
    language = language_of_environment()
    print_story(loan_history(connection, ctx, loan, language=language), language)
    console.print()
