"""`arrears approval`: a person decides about an action that the ladder asks approval for."""

from typing import Annotated

import typer

from workers.actions import approvals
from workers.cli.common import Item, Loan
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import print_lines

app = typer.Typer()


@app.command()
def grant(
    loan: Loan,
    item: Item,
) -> None:
    """Approve an action that waits for approval: it is due now."""
    ctx = open_context()
    approvals.approve(ctx, loan, item)
    print_lines(say("{item} for loan {loan} is approved, and due now.", item=item, loan=loan))


@app.command()
def reject(
    loan: Loan,
    item: Item,
    why: Annotated[str, typer.Option(help="The reason, which is stored.")],
) -> None:
    """Reject an action that waits for approval: it is never done."""
    ctx = open_context()
    approvals.refuse(ctx, loan, item, why)
    print_lines(say("{item} for loan {loan} is rejected, and discarded.", item=item, loan=loan))
