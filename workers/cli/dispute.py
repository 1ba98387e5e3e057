"""`arrears dispute`: a borrower disputes the debt, until that is decided."""

from typing import Annotated

import typer

from domain.disputes import DisputeKind, Matter, RaisedBy
from workers.cli.common import Loan, WhoseId, Why, own_id, parse_id
from workers.cli.context import open_context, submit
from workers.cli.hold import StartsOn
from workers.cli.matters import (
    FindingOption,
    Id,
    Outcome,
    add_commands,
    correct_matter,
    submit_resolution,
)
from workers.hardship.corrections import Correction

app = typer.Typer()
add_commands(app, Matter.DISPUTE)

By = Annotated[RaisedBy, typer.Option("--by", help="How it came in.")]
Attempt = Annotated[
    str | None,
    typer.Option(parser=parse_id, metavar="TEXT", help="The call or the visit in question."),
]


@app.command("open")
def open_(
    loan: Loan,
    dispute_id: Annotated[str, own_id("dispute")],
    why: Why,
    kind: Annotated[DisputeKind, typer.Option(help="What it says.")] = DisputeKind.OTHER,
    by: By = RaisedBy.OTHER,
    attempt: Attempt = None,
    starts_on: StartsOn = None,
) -> None:
    """Record that the borrower disputes the debt: the ladder pauses until it is decided."""
    ctx = open_context()
    payload = {
        "dispute": dispute_id,
        "loan": loan,
        "starts_on": (starts_on or ctx.today()).isoformat(),
        "why": why,
        **({"kind": kind} if kind is not DisputeKind.OTHER else {}),
        **({"raised_by": by} if by is not RaisedBy.OTHER else {}),
        **({"about_attempt": attempt} if attempt else {}),
    }
    submit(ctx, "dispute", dispute_id, payload)


@app.command()
def correct(
    id: Id,
    why: Why,
    kind: Annotated[DisputeKind, typer.Option(help="What it says.")],
    sender: WhoseId = None,
) -> None:
    """Correct the kind of an open dispute. Its clock is set anew, and never longer."""
    correct_matter(Matter.DISPUTE, id, Correction(kind=kind, why=why), sender)


@app.command()
def resolve(
    id: Id,
    outcome: Outcome,
    finding: FindingOption,
    corrected_by: Annotated[
        str | None,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="The id of the adjustment or the payment that corrects what is owed.",
        ),
    ] = None,
    why: Annotated[str | None, typer.Option(help="What was found, for the record.")] = None,
    sender: WhoseId = None,
) -> None:
    """Decide a dispute: its hold ends, and the letter that answers is written.

    Where the person was right and nothing is named that corrects what is owed, the hold stays until
    it is released.
    """
    submit_resolution(Matter.DISPUTE, id, outcome, finding, why, sender, corrected_by=corrected_by)
