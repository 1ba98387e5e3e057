"""`arrears address`: what is true of an address, which nobody has to type."""

from typing import Annotated, Literal

import typer

from domain.actors import Actor
from workers.cli.common import By
from workers.cli.context import open_context, submit

app = typer.Typer()

Borrower = Annotated[str, typer.Argument(help="Whose address it is: the lender's id.")]
Fact = Annotated[
    Literal["reaches_nobody", "somebody_else", "refused", "shared", "at_work"],
    typer.Argument(help="What is true of the address."),
]


@app.command()
def note(borrower: Borrower, fact: Fact, actor: By) -> None:
    """Record what is true of an address: it holds for everybody who has it."""
    _report("address_fact", borrower, fact, actor)


@app.command()
def end(borrower: Borrower, fact: Fact, actor: By) -> None:
    """Record that something is not true of an address any more: what waited is due again."""
    _report("address_fact_end", borrower, fact, actor)


def _report(kind: str, borrower: str, fact: str, actor: Actor) -> None:
    ctx = open_context()
    payload = {"borrower": borrower, "fact": fact, "actor": actor.reference}
    submit(ctx, kind, f"{borrower}:{fact}:{ctx.now().isoformat()}", payload)
