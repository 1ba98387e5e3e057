"""`arrears retention`: personal data that is stored for longer than it must be."""

from __future__ import annotations

from collections import Counter

import typer

from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.render import Table, print_json, print_lines
from workers.privacy.retention import BorrowerRetention, pages, read_keeping

app = typer.Typer()

DUE = Table[BorrowerRetention](
    "To be erased by the next run",
    {
        "borrower": lambda held: held.borrower,
        "loans": lambda held: held.loans,
        "had to be kept until": lambda held: held.keeping.until or "no loan is left",
        "by": lambda held: held.keeping.rules,
    },
    if_none="Nothing is held for longer than it must be.",
    one_line=("borrower",),
)


@app.command()
def report(as_json: AsJson = False) -> None:
    """List whose data the next run erases, and count whose data is kept and why. Ids only."""
    ctx = open_context()
    today = ctx.today()
    due: list[BorrowerRetention] = []
    kept: Counter[str] = Counter()
    with ctx.engine.connect() as connection:
        for page in pages(connection):
            for held in read_keeping(connection, ctx, page):
                if held.keeping.is_over(today):
                    due.append(held)
                else:
                    kept[_kept_because(held)] += 1
    if as_json:
        print_json({"due": due, "kept": kept})
        return
    DUE.print(due)
    for why, borrowers in sorted(kept.items()):
        print_lines(f"Kept for {borrowers}, because {why}.")


def _kept_because(held: BorrowerRetention) -> str:
    if held.keeping.open_loan:
        return "a loan is open"
    if held.keeping.unruled_loan:
        return "no rule pack says how long"
    return "it must be kept for longer"
