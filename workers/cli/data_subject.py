"""`arrears subject`: what a person may ask of whoever holds their data."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from domain.actors import Actor
from domain.errors import ArrearsError
from workers.cli.common import By, DryRun, by, console, open_context, say_done
from workers.privacy.subject_requests import erase_subject, export_subject

app = typer.Typer(
    help="What a person may ask for: all that is held about them, and that it be erased.",
    no_args_is_help=True,
)

Borrower = Annotated[str, typer.Argument(help="The lender's id of the borrower.")]

ONLY_ITS_OWNER = 0o600


@app.command()
def export(
    borrower: Borrower,
    actor: Annotated[Actor, by("The staff reference of whoever hands it out.")],
    purpose: Annotated[str, typer.Option(help="What for, in words that name nobody.")],
    out: Annotated[
        Path, typer.Option(help="The file to write, which only its owner can read.", dir_okay=False)
    ],
) -> None:
    """Write all that is held about a person into a file, in the clear. The look is noted."""
    _log_looks()
    ctx = open_context()
    # The file comes first: what is opened must have a place where nobody else can read it.
    with _new_file(out) as file:
        try:
            held = export_subject(ctx, borrower, actor=actor, purpose=purpose)
            json.dump(held, file, ensure_ascii=False, indent=2, default=str)
        except BaseException:
            out.unlink()
            raise
    console.print(Text(f"All that is held about borrower {borrower} is in {out}."))


@app.command()
def erase(
    borrower: Borrower,
    actor: By,
    why: Annotated[str, typer.Option(help="Why, in words that name nobody.")],
    law: Annotated[
        str | None,
        typer.Option(help="What asks for it although it must be kept: a law, an order of a court."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Erase what is held about a person whose loans are closed; the evidence of acts stays."""
    _log_looks()
    kept = erase_subject(open_context(), borrower, actor=actor, why=why, law=law, dry_run=dry_run)
    rules = f" ({', '.join(kept.rules)})" if kept.rules else ""
    had_to = f" It was to be kept until {kept.until}{rules}." if kept.until else ""
    say_done(f"What was held about borrower {borrower} is erased.{had_to}", dry_run=dry_run)


def _new_file(path: Path) -> Any:
    try:
        return os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_ITS_OWNER),
            "w",
            encoding="utf-8",
        )
    except FileExistsError:
        raise ArrearsError(f"{path} exists. Name a file that does not.") from None
    except OSError as error:
        raise ArrearsError(f"{path} cannot be written ({error.strerror}).") from None


def _log_looks() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("workers.privacy").setLevel(logging.INFO)
