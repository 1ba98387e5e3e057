"""`arrears hold`: pause the ladder of a loan, and end the pause."""

from datetime import date
from typing import Annotated

import typer

from workers.cli.common import Loan, WhoseId, Why, day, own_id
from workers.cli.context import event_of, open_context, submit, whose
from workers.hardship.holds import PLACEABLE_KINDS

app = typer.Typer()

StartsOn = Annotated[date | None, day("Its first day; today if left out.", "--from")]
EndsOn = Annotated[date | None, day("The first day without it; today if left out.", "--on")]


@app.command()
def place(
    loan: Loan,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(PLACEABLE_KINDS)}.")],
    hold_id: Annotated[str, own_id("hold")],
    why: Why,
    starts_on: StartsOn = None,
    ends_on: Annotated[
        date | None,
        day(
            "The first day without it. If left out, the law's limit counts, or its release.",
            "--until",
        ),
    ] = None,
) -> None:
    """Pause the ladder of a loan, and cancel its calls and visits of those days.

    What is true of a person (deceased, insolvency, breathing_space, mental_health_crisis,
    vulnerability, moratorium) pauses every loan of the borrower.
    """
    ctx = open_context()
    payload = {
        "hold": hold_id,
        "loan": loan,
        "kind": kind,
        "starts_on": (starts_on or ctx.today()).isoformat(),
        "ends_on": ends_on.isoformat() if ends_on else None,
        "why": why,
    }
    submit(ctx, "hold", hold_id, payload)


@app.command()
def release(
    hold_id: Annotated[str, typer.Argument(help="The lender's id of the hold.")],
    ends_on: EndsOn = None,
    sender: WhoseId = None,
) -> None:
    """End a hold: the ladder continues where it paused."""
    ctx = open_context()
    first_day = (ends_on or ctx.today()).isoformat()
    payload = {
        "hold": hold_id,
        "ends_on": first_day,
        **whose(sender),
    }
    submit(ctx, "release", event_of(f"{hold_id}:{first_day}", sender), payload)
