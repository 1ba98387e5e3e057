"""`arrears approval`: a person decides about an action that the ladder asks approval for."""

from typing import Annotated

import typer

from domain.actors import Actor
from workers.actions import approvals
from workers.cli.common import Item, Loan, by
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import print_lines

app = typer.Typer()


@app.command()
def grant(
    loan: Loan,
    item: Item,
    actor: Annotated[Actor, by("Who approves: a staff reference on the roster.")],
) -> None:
    """Approve an action that waits for approval: it is due now."""
    approvals.approve(open_context(), loan, item, actor)
    print_lines(say("{item} for loan {loan} is approved, and due now.", item=item, loan=loan))


@app.command()
def reject(
    loan: Loan,
    item: Item,
    actor: Annotated[Actor, by("Who rejects: a staff reference on the roster.")],
    why: Annotated[str, typer.Option(help="The reason, which is stored.")],
) -> None:
    """Reject an action that waits for approval: it is never done."""
    approvals.refuse(open_context(), loan, item, actor, why)
    print_lines(say("{item} for loan {loan} is rejected, and discarded.", item=item, loan=loan))
