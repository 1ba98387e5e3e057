"""`arrears audit`: whether the evidence is whole, and a loan's evidence for a regulator."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from domain.errors import ArrearsError
from workers.cli.common import AsJson, Loan, console, errors, open_context, show_table
from workers.context import Context
from workers.evidence.chain import chain_evidence
from workers.evidence.export import write_bundle
from workers.evidence.verify import Head, read_head
from workers.evidence.verify import verify as find_what_is_wrong

app = typer.Typer(
    help="Evidence: whether it is whole, and that of one loan for a regulator.",
    no_args_is_help=True,
)


@app.command()
def verify(
    loan: Annotated[
        str | None, typer.Argument(help="The lender's id of a loan; the whole house if left out.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="A head that was noted elsewhere: it must still be there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find evidence that was changed or removed. Exit code 1: there is some."""
    ctx = open_context()

    def tell(links: int) -> None:
        if loan is None:
            errors.print(Text(f"{links} rows looked at"))

    with _snapshot(ctx) as connection:
        found = list(find_what_is_wrong(connection, loan, head=head, tell=tell))
        newest = read_head(connection)
    if as_json:
        console.print_json(
            data={"wrong": [asdict(row) for row in found], "head": _plain(newest)}, default=str
        )
    else:
        show_table(
            "Evidence that is not what it was",
            ("what", "table", "row", "loan"),
            [(row.wrong, row.kind, str(row.row_id), row.loan or "") for row in found],
            "The evidence is whole.",
        )
    if found:
        raise typer.Exit(1)


@app.command()
def head(as_json: AsJson = False) -> None:
    """Show what stands for all evidence up to now: note it where this house cannot write."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        newest = read_head(connection)
    if as_json:
        console.print_json(data=_plain(newest), default=str)
    elif newest is None:
        console.print("Nothing is chained yet.")
    else:
        zone = ctx.settings.lender_zone
        at = f"{newest.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        console.print(Text(f"{newest.digest}  {newest.links} rows of evidence, {at} ({zone})"))


@app.command()
def export(
    loan: Loan,
    out: Annotated[Path, typer.Option(help="The zip file to write; it must not be there yet.")],
) -> None:
    """Write a loan's story and its evidence, with what is needed to check it, into a zip file."""
    ctx = open_context()
    while chain_evidence(ctx):
        pass  # what was done a moment ago belongs to it
    try:
        with _snapshot(ctx) as connection:
            wrong = list(find_what_is_wrong(connection, loan))
            rows = write_bundle(connection, ctx, loan, out)
    except FileExistsError:
        raise ArrearsError(f"{out} is there already. Name a new file.") from None
    except OSError as error:
        raise ArrearsError(f"{out} cannot be written: {error.strerror}.") from None
    console.print(Text(f"The story of loan {loan} and {rows} rows of evidence are in {out}."))
    if wrong:
        errors.print(
            Text(f"{len(wrong)} of them are not what they were: `arrears audit verify {loan}`.")
        )
        raise typer.Exit(1)


def _snapshot(ctx: Context) -> Any:
    """One state of the database, whatever is written meanwhile."""
    engine = ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    return engine.begin()


def _plain(found: Head | None) -> dict[str, object] | None:
    return asdict(found) if found else None
