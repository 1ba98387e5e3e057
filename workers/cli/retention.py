"""`arrears privacy`: what is held for longer than it must be."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import typer
from rich.text import Text

from workers.cli.common import AsJson, console, open_context, show_table
from workers.privacy.retention import BorrowerRetention, pages, read_keeping

app = typer.Typer(help="How long personal data is kept.", no_args_is_help=True)


@app.callback()
def privacy() -> None:
    """A group, so that `due` is spelt out."""


@app.command()
def due(as_json: AsJson = False) -> None:
    """Show whose data the next run will erase, and count whose is kept and why. Ids only."""
    ctx = open_context()
    today = ctx.today()
    over: list[BorrowerRetention] = []
    kept: Counter[str] = Counter()
    with ctx.engine.connect() as connection:
        for page in pages(connection):
            for one in read_keeping(connection, ctx, page):
                if one.keeping.is_over(today):
                    over.append(one)
                else:
                    kept[_kept_because(one)] += 1
    if as_json:
        console.print_json(data={"due": [asdict(one) for one in over], "kept": kept}, default=str)
        return
    show_table(
        "To be erased by the next run",
        ("borrower", "loans", "had to be kept until", "by"),
        [
            (
                one.borrower,
                str(one.loans),
                str(one.keeping.until or "no loan is left"),
                "\n".join(one.keeping.rules),
            )
            for one in over
        ],
        "Nothing is held for longer than it must be.",
        to_copy=("borrower",),
    )
    for why, borrowers in sorted(kept.items()):
        console.print(Text(f"Kept for {borrowers}, because {why}."))


def _kept_because(held: BorrowerRetention) -> str:
    if held.keeping.open_loan:
        return "a loan is open"
    if held.keeping.unruled_loan:
        return "no rule pack says how long"
    return "it must be kept for longer"
