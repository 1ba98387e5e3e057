"""`arrears tape`: import a lender's file of loans."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from config.environment import load_settings, load_settings_of_dry_run
from config.readers.tape_mapping_reader import load_mapping
from domain.errors import ArrearsError
from workers.cli.common import (
    ROWS_OF_A_PAGE,
    After,
    AsJson,
    DryRun,
    Limit,
    OfLoan,
    day,
)
from workers.cli.context import open_context, read
from workers.cli.import_sentences import import_is_unfinished
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import UNCHANGED, Table, console, errors, print_json, print_pages
from workers.cli.tape_mapping import propose
from workers.cli.tape_progress import import_progress
from workers.cli.tape_report import print_import
from workers.context import Context
from workers.db.pages import Asked
from workers.tapes.absent import AbsentLoan, read_absent
from workers.tapes.import_tape import import_tape
from workers.tapes.imports import (
    TapeImport,
    UnfinishedImport,
    abandon_import,
    left_when_stopped,
    list_imports,
)

NOTICED_WITHIN = 5.0
"""Seconds."""

app = typer.Typer()
app.command("propose-mapping")(propose)


@app.command("import")
def import_(
    tape: Annotated[Path, typer.Argument(help="The lender's loans: CSV, one a line.")],
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
    part: Annotated[
        bool,
        typer.Option("--part", help="It is a part of the book: no loan counts as left out."),
    ] = False,
    many_absent: Annotated[
        bool,
        typer.Option(
            "--many-absent", help="Import it although it leaves out more loans than usual."
        ),
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to write rejected rows; beside the tape if left out.")
    ] = None,
) -> None:
    """Import a loan tape, if all of its rows are right. What is paid only rises.

    Loans change in short transactions. If the import is interrupted, the same command finishes it.
    """
    if as_of is None:
        raise ArrearsError(
            say(
                "Say which day the tape stands for, such as --as-of 2026-03-01: payments "
                "booked before that day are in the tape, and later ones are added to it."
            )
        )
    read_as = load_mapping(mapping)
    ctx = open_context(load_settings_of_dry_run if dry_run else load_settings)
    with import_progress() as progress, unfinished_if_stopped(ctx):
        report = import_tape(
            ctx,
            tape,
            read_as,
            as_of=as_of,
            keep_good=keep_good,
            dry_run=dry_run,
            part=part,
            many_absent=many_absent,
            rejects_path=rejects,
            language=language_of_environment(),
            say=say,
            progress=progress,
        )
    print_import(report, dry_run=dry_run)
    if dry_run:
        console.print(say("Nothing was imported: this was a dry run."))
    elif report.kept:
        console.print(
            say(
                "Imported {taken:,} loan(s) of {name} as of {as_of}.",
                taken=report.taken,
                name=tape.name,
                as_of=as_of,
            )
        )
    if report.too_many_absent:
        raise ArrearsError(
            say(
                "The tape leaves out {loans:,} of the {expected:,} loans that the tapes before it "
                "had, so nothing is imported. Usually such a file was cut: export it whole. If it "
                "is a part of the book, give --part; if they are gone, --many-absent.",
                loans=report.absent.loans,
                expected=report.absent.expected,
            )
        )
    if not report.taken:
        raise ArrearsError(
            say(
                "No row is right, so nothing is imported. Correct them (see {rejects_file}).",
                rejects_file=report.rejects_file,
            )
        )
    if not report.kept and report.rejected and not keep_good:
        raise ArrearsError(
            say(
                "{rejected:,} row(s) are wrong, so nothing is imported. Correct them (see "
                "{rejects_file}), or import the good rows with --keep-good.",
                rejected=report.rejected,
                rejects_file=report.rejects_file,
            )
        )


@contextmanager
def unfinished_if_stopped(ctx: Context) -> Iterator[None]:
    """Say what is left to do of an import that somebody stops with Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        for left in _stopped(ctx):
            errors.print(import_is_unfinished(left), markup=False)
        raise


def _stopped(ctx: Context) -> list[UnfinishedImport]:
    """What is unfinished once PostgreSQL has noticed that this import's session is gone."""
    ends_at = time.monotonic() + NOTICED_WITHIN
    while True:
        unfinished = left_when_stopped(ctx)
        if time.monotonic() > ends_at or not any(left.is_running for left in unfinished):
            return unfinished
        time.sleep(0.1)


IMPORTS = Table[TapeImport](
    "Imports of tapes",
    {
        "number": lambda each: each.id,
        "tape": lambda each: each.file_name,
        "as of": lambda each: each.as_of,
        "is": lambda each: coded("tape_import_status", each.status),
        "rows": lambda each: f"{each.rows_taken:,}",
        "rejected": lambda each: f"{each.rows_rejected:,}",
        "left to do": lambda each: f"{each.pending:,}",
    },
    if_none="No tape was imported yet.",
    right=("rows", "rejected", "left to do"),
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the last imports, and how many loans wait for one that was interrupted."""
    imports, unfinished = list_imports(open_context())
    if as_json:
        print_json(imports)
        return
    IMPORTS.print(imports)
    for left in unfinished:
        errors.print(import_is_unfinished(left), markup=False)


ABSENT = Table[AbsentLoan](
    "Loans that the last full tape left out",
    {
        "loan": lambda each: each.loan,
        "since the tape of": lambda each: each.since,
        "contact": lambda each: say("stops") if each.kind == "held" else say("goes on"),
    },
    if_none="No loan was left out.",
)


@app.command()
def absent(
    kind: Annotated[
        str | None,
        typer.Option(help="held: nobody is contacted about them; or kept: contact goes on."),
    ] = None,
    loan: OfLoan = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List the loans that full tapes left out, until a tape shows them again."""
    asked = Asked(limit, after, kind, loan)
    found = read(lambda connection, ctx: read_absent(connection, ctx, asked))
    if as_json:
        print_json({"absent": found})
        return
    print_pages((ABSENT, found))


@app.command()
def abandon(
    number: Annotated[int, typer.Argument(help="The number of the import, as in `tape list`.")],
    dry_run: DryRun = False,
) -> None:
    """Give up what an interrupted import has left. Its loans stay as they are.

    What it has merged stays merged. Nobody was contacted about the others; that ends now, although
    the tape knows more of them. The next tape brings it.
    """
    ctx = open_context()
    with ctx.engine.connect() as connection, connection.begin() as transaction:
        freed = abandon_import(connection, ctx, number)
        if dry_run:
            transaction.rollback()
    console.print(
        say("{loans:,} loan(s) no longer wait for import {number}.", loans=freed, number=number)
    )
    if dry_run:
        console.print(say(UNCHANGED))
