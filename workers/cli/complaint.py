"""`arrears complaint`: a person complains, and is answered in time by somebody else."""

from typing import Annotated

import typer

from domain.disputes import ComplaintKind, Matter, RaisedBy
from workers.cli.common import Loan, WhoseId, Why, own_id, parse_id
from workers.cli.context import open_context, submit
from workers.cli.dispute import Attempt, By
from workers.cli.matters import FindingOption, Id, Outcome, add_commands, submit_resolution

app = typer.Typer()
add_commands(app, Matter.COMPLAINT)


@app.command()
def receive(
    loan: Loan,
    complaint_id: Annotated[str, own_id("complaint")],
    kind: Annotated[ComplaintKind, typer.Option(help="What it is about.")],
    why: Why,
    about: Annotated[
        str | None,
        typer.Option(
            parser=parse_id, metavar="STAFF", help="The staff reference of whom it is about."
        ),
    ] = None,
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
def resolve(
    id: Id,
    outcome: Outcome,
    finding: FindingOption,
    why: Annotated[str | None, typer.Option(help="What was found, for the record.")] = None,
    sender: WhoseId = None,
) -> None:
    """Decide a complaint: the letter that answers is written, and its hold ends."""
    submit_resolution(Matter.COMPLAINT, id, outcome, finding, why, sender)
