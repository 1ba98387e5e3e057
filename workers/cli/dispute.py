"""`arrears dispute`: a borrower disputes the debt, until that is decided."""

from typing import Annotated

import typer

from workers.cli.common import Loan, WhoseId, Why, own_id
from workers.cli.context import open_context, submit
from workers.cli.hold import EndsOn, StartsOn, submit_release

app = typer.Typer()


@app.command("open")
def open_(
    loan: Loan,
    dispute_id: Annotated[str, own_id("dispute")],
    why: Why,
    starts_on: StartsOn = None,
) -> None:
    """Record that the borrower disputes the debt: the ladder pauses until the dispute is closed."""
    ctx = open_context()
    payload = {
        "dispute": dispute_id,
        "loan": loan,
        "starts_on": (starts_on or ctx.today()).isoformat(),
        "why": why,
    }
    submit(ctx, "dispute", dispute_id, payload)


@app.command()
def close(
    dispute_id: Annotated[str, typer.Argument(help="The lender's id of the dispute.")],
    ends_on: EndsOn = None,
    sender: WhoseId = None,
) -> None:
    """Close a dispute: the ladder continues where it paused."""
    submit_release(dispute_id, ends_on, sender)
