"""`arrears address`: what is known of a borrower's address, and recording what is true of it.

Nobody has to type the address.
"""

from typing import Annotated, Literal

import typer

from workers.cli.common import AsJson
from workers.cli.context import open_context, read, submit
from workers.cli.language import coded, words
from workers.cli.render import Table, show
from workers.operations.contact_points import AddressOfBorrower, read_address

app = typer.Typer()

Borrower = Annotated[str, typer.Argument(help="Whose address it is: the lender's id.")]
Fact = Annotated[
    Literal["reaches_nobody", "somebody_else", "refused", "shared", "at_work"],
    typer.Argument(help="What is true of the address."),
]
ADDRESSES = Table[AddressOfBorrower](
    "Address of the borrower",
    {
        "known": lambda address: [coded("number_fact", fact) for fact in address.facts],
        "closed to": lambda address: words("channel", address.closed_to),
    },
    if_none="The borrower has no address.",
)


@app.command("list")
def list_(borrower: Borrower, as_json: AsJson = False) -> None:
    """Show what is known of the address of a borrower; never the address."""
    found = read(lambda connection, ctx: read_address(connection, ctx, borrower))
    show(ADDRESSES, found, as_json=as_json)


@app.command()
def note(borrower: Borrower, fact: Fact) -> None:
    """Record what is true of an address: it holds for everybody who has it."""
    _report("address_fact", borrower, fact)


@app.command()
def end(borrower: Borrower, fact: Fact) -> None:
    """Record that something is not true of an address any more: what waited is due again."""
    _report("address_fact_end", borrower, fact)


def _report(kind: str, borrower: str, fact: str) -> None:
    ctx = open_context()
    payload = {"borrower": borrower, "fact": fact}
    submit(ctx, kind, f"{borrower}:{fact}:{ctx.now().isoformat()}", payload)
