"""`arrears retention`: personal data that is kept for longer than it must be."""

from collections import Counter

import typer

from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import Table, print_json, print_lines
from workers.privacy.retention import BorrowerRetention, read_retention

app = typer.Typer()

DUE = Table[BorrowerRetention](
    "To be erased by the next run",
    {
        "borrower": lambda borrower: borrower.borrower,
        "loans": lambda borrower: borrower.loans,
        "had to be kept until": lambda borrower: borrower.keeping.until or say("no loan is left"),
        "by": lambda borrower: borrower.keeping.rules,
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
        for borrower in read_retention(connection, ctx):
            if borrower.keeping.is_over(today):
                due.append(borrower)
            else:
                kept[_kept_because(borrower)] += 1
    if as_json:
        print_json({"due": due, "kept": kept})
        return
    print_lines(say("On business date {today}:", today=today))
    DUE.print(due)
    for why, borrowers in sorted(kept.items()):
        print_lines(say("Kept for {borrowers}, because {why}.", borrowers=borrowers, why=say(why)))


def _kept_because(borrower: BorrowerRetention) -> str:
    if borrower.keeping.open_loan:
        return "a loan is open"
    if borrower.keeping.unruled_loan:
        return "no rule pack says how long"
    return "it must be kept for longer"
