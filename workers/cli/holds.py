"""`arrears hold`, `dispute` and `release`: what pauses the ladder of a loan, and what ends it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from domain.actors import Actor
from workers.cli.common import Loan, by, open_context, submit
from workers.cli.dates import a_day
from workers.hardship.holds import PLACEABLE_KINDS

Kind = Annotated[str, typer.Argument(help=f"One of {', '.join(PLACEABLE_KINDS)}.")]
Why = Annotated[str, typer.Option(help="Why, in words that name nobody.")]
By = Annotated[Actor, by("The staff reference of whoever does it.")]
Starts = Annotated[
    date | None,
    typer.Option(
        "--from", parser=a_day, metavar="DAY", help="The first day of it; today if left out."
    ),
]


def hold(
    loan: Loan,
    kind: Kind,
    hold_id: Annotated[
        str, typer.Option("--id", help="The lender's id of the hold: the same id counts once.")
    ],
    why: Why,
    actor: By,
    starts_on: Starts = None,
    ends_on: Annotated[
        date | None,
        typer.Option(
            "--until",
            parser=a_day,
            metavar="DAY",
            help="The first day without it; as a law says, or until its release, if left out.",
        ),
    ] = None,
) -> None:
    """Pause the ladder of a loan, and call off its calls and visits of those days."""
    ctx = open_context()
    payload = {
        "hold": hold_id,
        "loan": loan,
        "kind": kind,
        "starts_on": (starts_on or ctx.today()).isoformat(),
        "ends_on": ends_on.isoformat() if ends_on else None,
        "why": why,
        "actor": actor.reference,
    }
    submit(ctx, "hold", hold_id, payload)


def dispute(
    loan: Loan,
    dispute_id: Annotated[
        str, typer.Option("--id", help="The lender's id of the dispute: the same id counts once.")
    ],
    why: Why,
    actor: By,
    starts_on: Starts = None,
) -> None:
    """Record that the borrower disputes the debt: the ladder pauses until it is released."""
    ctx = open_context()
    payload = {
        "dispute": dispute_id,
        "loan": loan,
        "starts_on": (starts_on or ctx.today()).isoformat(),
        "why": why,
        "actor": actor.reference,
    }
    submit(ctx, "dispute", dispute_id, payload)


def release(
    hold_id: Annotated[str, typer.Argument(help="The lender's id of the hold or the dispute.")],
    ends_on: Annotated[
        date | None,
        typer.Option(
            "--on",
            parser=a_day,
            metavar="DAY",
            help="The first day without it; today if left out.",
        ),
    ] = None,
) -> None:
    """End a hold or a dispute: the ladder goes on where it stood."""
    ctx = open_context()
    day = (ends_on or ctx.today()).isoformat()
    payload = {"hold": hold_id, "ends_on": day}
    submit(ctx, "release", f"{hold_id}:{day}", payload)
