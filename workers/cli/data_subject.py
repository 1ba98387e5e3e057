"""`arrears data-subject`: a borrower's requests about their own data: export it, or erase it."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import ArrearsError
from workers.cli.common import DryRun, Why, lender_id, log_to_stderr
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import print_done, print_lines
from workers.privacy.subject_requests import erase_subject, export_subject

app = typer.Typer()

Borrower = Annotated[str, lender_id("BORROWER", "The lender's id of the borrower.")]

ONLY_ITS_OWNER = 0o600


@app.command()
def export(
    borrower: Borrower,
    purpose: Annotated[str, typer.Option(help="What for, in words that identify nobody.")],
    out: Annotated[
        Path, typer.Option(help="The file to write, which only its owner can read.", dir_okay=False)
    ],
) -> None:
    """Write all data about a person, decrypted, to a file. The access is logged."""
    log_to_stderr("workers.privacy")
    ctx = open_context()
    # The file comes first, because decrypted data must only go where nobody else can read it.
    with _new_file(out) as file:
        try:
            exported = export_subject(ctx, borrower, purpose=purpose)
            json.dump(exported, file, ensure_ascii=False, indent=2, default=str)
        except BaseException:
            out.unlink()
            raise
    print_lines(say("All data about borrower {borrower} is in {out}.", borrower=borrower, out=out))


@app.command()
def erase(
    borrower: Borrower,
    why: Why,
    law: Annotated[
        str | None,
        typer.Option(help="What requires it although a rule says to keep it: a law, an order."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Erase the data of a person whose loans are closed. Evidence of what was done stays."""
    log_to_stderr("workers.privacy")
    ctx = open_context()
    kept = erase_subject(ctx, borrower, why=why, law=law, dry_run=dry_run)
    rules = f" ({', '.join(kept.rules)})" if kept.rules else ""
    had_to = ""
    if kept.until:
        had_to = say(" It was to be kept until {until}{rules}.", until=kept.until, rules=rules)
    print_done(
        say(
            "What was held about borrower {borrower} is erased.{had_to}",
            borrower=borrower,
            had_to=had_to,
        ),
        dry_run=dry_run,
    )


def _new_file(path: Path) -> Any:
    try:
        return os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_ITS_OWNER),
            "w",
            encoding="utf-8",
        )
    except FileExistsError:
        raise ArrearsError(say("{path} exists. Name a file that does not.", path=path)) from None
    except OSError as error:
        raise ArrearsError(
            say("{path} cannot be written ({strerror}).", path=path, strerror=error.strerror)
        ) from None
