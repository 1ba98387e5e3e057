"""What a borrower asked for, was told in writing, or acknowledged."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

from domain.actors import Actor
from workers.cli.common import Loan, by, open_context, submit
from workers.cli.dates import a_day

By = Annotated[Actor, by("The staff reference of whoever was told.")]
On = Annotated[
    date | None, typer.Option(parser=a_day, metavar="DAY", help="When; today if left out.")
]


def opt_out(
    borrower: Annotated[str, typer.Argument(help="The lender's id of the borrower.")],
    actor: By,
    channel: Annotated[
        Literal["sms", "call", "visit"] | None,
        typer.Option(help="Only this channel; every channel if left out."),
    ] = None,
) -> None:
    """Never contact a borrower again who asked for that: by one channel, or at all."""
    ctx = open_context()
    payload = {"borrower": borrower, "channel": channel, "actor": actor.reference}
    submit(ctx, "opt_out", f"{borrower}:{channel or 'all'}", payload)


def validation_notice(loan: Loan, on: On = None) -> None:
    """Record that the borrower was told in writing what is owed, and how to dispute it."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    submit(ctx, "validation_notice", f"{loan}:{day}", {"loan": loan, "given_on": day})


def acknowledgement(loan: Loan, on: On = None) -> None:
    """Record that the borrower acknowledged the debt: the time to sue runs anew."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    submit(ctx, "acknowledgement", f"{loan}:{day}", {"loan": loan, "acknowledged_on": day})
