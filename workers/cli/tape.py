"""`arrears tape`: import a lender's file of loans."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from config.readers.tape_mapping_reader import load_mapping
from domain.errors import ArrearsError
from workers.cli.common import DryRun, day
from workers.cli.context import open_context
from workers.cli.render import Table, console, errors
from workers.tapes.import_tape import ImportReport, import_tape
from workers.tapes.row_errors import MASKING
from workers.tapes.status_comparison import StatusCell, StatusComparison

app = typer.Typer()

DIFFERING = Table[StatusCell](
    "The rest, accounted for",
    {
        "by days past due": lambda cell: cell.ours,
        "by the lender": lambda cell: cell.lender,
        "loans": lambda cell: f"{cell.loans:,}",
        "why": lambda cell: cell.why,
    },
    right=("loans",),
)


@app.command("import")
def import_(
    tape: Annotated[Path, typer.Argument(help="The lender's loans: CSV in UTF-8, one a line.")],
    mapping: Annotated[
        str, typer.Option(help="How to read it: a shipped mapping's name, or a .yaml file.")
    ] = "arrears",
    as_of: Annotated[
        date | None,
        day(
            "The day whose state the tape shows, such as 2026-03-01: payments booked before that "
            "day are in it. Must be given.",
            show_default=False,
        ),
    ] = None,
    keep_good: Annotated[
        bool, typer.Option("--keep-good", help="Import the good rows although others are wrong.")
    ] = False,
    dry_run: DryRun = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to write rejected rows; beside the tape if left out.")
    ] = None,
) -> None:
    """Import a loan tape: all of it or nothing. What is paid only rises."""
    if as_of is None:
        raise ArrearsError(
            "Say which day the tape stands for, such as --as-of 2026-03-01: payments booked "
            "before that day are in the tape, and later ones are added to it."
        )
    read_as = load_mapping(mapping)
    ctx = open_context()
    with _progress() as bar:
        task = bar.add_task("reading", total=tape.stat().st_size if tape.is_file() else None)
        report = import_tape(
            ctx,
            tape,
            read_as,
            as_of=as_of,
            keep_good=keep_good,
            dry_run=dry_run,
            rejects_path=rejects,
            progress=lambda rows, read: bar.update(
                task, completed=read, description=f"{rows:,} rows"
            ),
        )
    print_import(report)
    if dry_run:
        console.print("Nothing was imported: this was a dry run.")
    elif report.kept:
        console.print(f"Imported {report.taken:,} loan(s) of {tape.name} as of {as_of}.")
    if not report.kept and report.rejected and not keep_good:
        raise ArrearsError(
            f"{report.rejected:,} row(s) are wrong, so nothing is imported. Correct them "
            f"(see {report.rejects_file}), or import the good rows with --keep-good."
        )


def print_import(report: ImportReport) -> None:
    """Print the result of an import: rows, rejects, and whether the lender's statuses agree."""
    for error in report.first_errors:
        errors.print(str(error), markup=False)
    if report.rejected > len(report.first_errors):
        errors.print(f"… and {report.rejected - len(report.first_errors):,} more.")
    if any(error.shown for error in report.first_errors):
        errors.print(MASKING)
    console.print(
        f"{report.taken:,} good rows ({report.changed:,} new or changed), "
        f"{report.rejected:,} rejected."
    )
    if report.statuses:
        _print_statuses(report.statuses)
    for warning in _warnings(report):
        errors.print(warning, markup=False)


def _warnings(report: ImportReport) -> Iterator[str]:
    if report.without_ladder:
        yield (
            f"{report.without_ladder:,} loan(s) have no ladder: nothing will be done about them. "
            "`arrears problems list` says why."
        )
    if report.showing_less:
        yield (
            f"{report.showing_less:,} loan(s) have more paid on record than the tape shows. What "
            "is on record was kept; `arrears problems list` shows them."
        )
    if report.unused_columns:
        yield f"Columns not used: {', '.join(report.unused_columns)}."


def _print_statuses(compared: StatusComparison) -> None:
    console.print(
        f"Days past due agree with the lender's own status for {compared.agreeing:,} of "
        f"{compared.loans:,} loans ({compared.share:.2%}) as of {compared.as_of}."
    )
    differing = [cell for cell in compared.cells if not cell.agrees]
    DIFFERING.print(sorted(differing, key=lambda cell: -cell.loans))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
