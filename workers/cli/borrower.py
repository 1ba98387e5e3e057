"""`arrears opt-out`, `validation-notice`, `acknowledgement`: what a borrower said or received."""

from typing import Annotated, Literal

import typer

from domain.actors import Actor
from workers.cli.common import Loan, On, Recorder, by
from workers.cli.context import open_context, submit


def opt_out(
    borrower: Annotated[str, typer.Argument(help="The lender's id of the borrower.")],
    actor: Annotated[Actor, by("The staff reference of the person who took the request.")],
    channel: Annotated[
        Literal["sms", "call", "visit"] | None,
        typer.Option(help="Only this channel; every channel if left out."),
    ] = None,
    loan: Annotated[
        str | None, typer.Option(help="The only loan that the request was about, if it named one.")
    ] = None,
) -> None:
    """Never contact a borrower again who asked for that: by one channel, or by any."""
    payload = {"borrower": borrower, "channel": channel, "actor": actor.reference}
    id = f"{borrower}:{channel or 'all'}"
    if loan is not None:
        payload["loan"], id = loan, f"{id}:{loan}"
    submit(open_context(), "opt_out", id, payload)


def validation_notice(loan: Loan, actor: Recorder, on: On = None) -> None:
    """Record that the borrower was informed in writing of the debt and of how to dispute it."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    payload = {"loan": loan, "given_on": day, "actor": actor.reference}
    submit(ctx, "validation_notice", f"{loan}:{day}", payload)


def acknowledgement(
    loan: Loan,
    actor: Recorder,
    on: On = None,
    proof: Annotated[
        Literal["signed", "written", "recorded"] | None,
        typer.Option(help="How it can be proved; some laws ask for a signed writing."),
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="The lender's reference of the proof, such as a file number.")
    ] = None,
) -> None:
    """Record that the borrower acknowledged the debt: the limitation period may start again."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    payload = {"loan": loan, "acknowledged_on": day, "actor": actor.reference}
    given = {"proof": proof, "document": document}
    payload |= {name: value for name, value in given.items() if value is not None}
    submit(ctx, "acknowledgement", f"{loan}:{day}:{proof}" if proof else f"{loan}:{day}", payload)
