"""`arrears recover`: bring a restored database up to date, before anybody is contacted."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from domain.errors import ArrearsError
from domain.recovery import RecoveryStep, StepStatus
from workers.cli.common import AsJson, DryRun
from workers.cli.context import open_context
from workers.cli.dates import parse_moment
from workers.cli.language import said_text, say
from workers.cli.render import print_json, print_lines
from workers.recovery.run import Asked, Recovered, go_on_without
from workers.recovery.run import recover as run_recovery
from workers.recovery.step import Result


def recover(
    dry_run: DryRun = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="When the backup was made, or the moment that was recovered; found out if left "
            "out.",
        ),
    ] = None,
    journal: Annotated[
        list[Path] | None,
        typer.Option(help="A journal beside that of the settings, as of another machine."),
    ] = None,
    nothing_restored: Annotated[
        bool,
        typer.Option(
            "--nothing-restored", help="No backup was restored, as where only a file was lost."
        ),
    ] = False,
    without: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Go on without this step, as texts_out:tencent."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(help="Why, with --nothing-restored or --without.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a database up to date that was restored from a backup, so that sending may be resumed.

    Exit code 1: something is open. It can be run again at any time. To begin needs two persons.
    """
    ctx = open_context()
    if (nothing_restored or without) and not (why and why.strip()):
        raise ArrearsError("Say why, with --why.")
    if without is not None:
        step, _, subject = without.partition(":")
        if step not in set(RecoveryStep):
            raise ArrearsError(
                "{step} is no step of a recovery. The steps are `{steps}`.",
                step=step,
                steps=", ".join(RecoveryStep),
            )
        go_on_without(ctx, RecoveryStep(step), subject, str(why))
    asked = Asked(
        dry_run=dry_run,
        nothing_restored=why if nothing_restored else None,
        since=parse_moment(since, ctx.settings.lender_zone) if since else None,
        journals=tuple(journal or ()),
    )
    found = run_recovery(ctx, asked, _say_nothing if as_json else _report)
    if as_json:
        print_json(found)
    else:
        _print_end(found, ctx.settings.lender_zone, dry_run=dry_run)
    if any(result.status is StepStatus.OPEN for result in found.results):
        raise typer.Exit(1)


def _print_end(found: Recovered, zone: ZoneInfo, *, dry_run: bool) -> None:
    print_lines(
        say(
            "What came in and went out since {since:%Y-%m-%d %H:%M} was looked at.",
            since=found.since.astimezone(zone),
        )
    )
    if dry_run:
        print_lines(say("Nothing was changed: this was a dry run."))
    if found.is_finished:
        print_lines(say("The recovery is finished. `arrears sending list` shows what to resume."))
    elif any(result.status is StepStatus.OPEN for result in found.results):
        print_lines(
            say(
                "Something is open, so sending stays stopped. Run `arrears recover` again when it "
                "is there, or go on without it, with --without and --why."
            )
        )


def _say_nothing(_: Result) -> None:
    """The JSON at the end has it."""


COUNTS = {
    "known": "on record already",
    "done": "brought back",
    "waits": "not known yet",
    "bad_lines": "lines at fault",
    "broken": "values that do not open",
    "heads": "heads lost",
    "links": "rows of evidence lost",
    "lost_contacts": "contacts lost by the counter",
    "found_texts": "texts found at providers",
    "unexplained": "not explained",
}
"""What a step counts, in words."""

STATUSES = {
    StepStatus.OPEN: "still open",
    StepStatus.DONE: "done",
    StepStatus.ACCEPTED: "left out on purpose",
}


def _report(result: Result) -> None:
    name = f"{result.step}:{result.subject}" if result.subject else str(result.step)
    counts = ", ".join(
        f"{say(COUNTS[word])} {count}" for word, count in result.found.items() if word in COUNTS
    )
    print_lines(f"{name}: {say(STATUSES[result.status])}{f' ({counts})' if counts else ''}")
    if result.open_because is not None:
        print_lines(f"  {said_text(result.open_because)}")
