"""`arrears complaint`: a person complains, and is answered in time by somebody else."""

from typing import Annotated

import typer

from domain.disputes import ComplaintKind, Matter, RaisedBy
from workers.cli.common import Loan, WhoseId, Why, own_id, parse_id
from workers.cli.context import open_context, submit
from workers.cli.dispute import Attempt, By
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
add_commands(app, Matter.COMPLAINT)

About = Annotated[
    str | None,
    typer.Option(parser=parse_id, metavar="STAFF", help="The staff reference of whom it is about."),
]


@app.command()
def receive(
    loan: Loan,
    complaint_id: Annotated[str, own_id("complaint")],
    kind: Annotated[ComplaintKind, typer.Option(help="What it is about.")],
    why: Why,
    about: About = None,
    borrower: Annotated[
        str | None,
        typer.Option(
            parser=parse_id, metavar="BORROWER", help="Who complains, if it is not the borrower."
        ),
    ] = None,
    by: By = RaisedBy.OTHER,
    attempt: Attempt = None,
) -> None:
    """Record a complaint. Whom it is about does no work for that person from then on."""
    payload = {
        "complaint": complaint_id,
        "loan": loan,
        "kind": kind,
        "why": why,
        **({"about_staff": about} if about else {}),
        **({"borrower": borrower} if borrower else {}),
        **({"raised_by": by} if by is not RaisedBy.OTHER else {}),
        **({"about_attempt": attempt} if attempt else {}),
    }
    submit(open_context(), "complaint", complaint_id, payload)


@app.command()
def correct(
    id: Id,
    why: Why,
    kind: Annotated[ComplaintKind | None, typer.Option(help="What it is about.")] = None,
    about: About = None,
    about_nobody: Annotated[
        bool, typer.Option("--about-nobody", help="It is about nobody in particular.")
    ] = False,
    sender: WhoseId = None,
) -> None:
    """Correct the kind of an open complaint, or whom it is about. What is left out stays."""
    right = Correction(kind=kind, about_staff=about, about_nobody=about_nobody, why=why)
    correct_matter(Matter.COMPLAINT, id, right, sender)


@app.command()
def resolve(
    id: Id,
    outcome: Outcome,
    finding: FindingOption,
    why: Annotated[str | None, typer.Option(help="What was found, for the record.")] = None,
    sender: WhoseId = None,
) -> None:
    """Decide a complaint: the letter that answers is written, and its hold ends."""
    submit_resolution(Matter.COMPLAINT, id, outcome, finding, why, sender)
