"""`arrears visit`: visitors begin a visit that the gate still allows, and say what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from workers.attempts.attempts import BarredError
from workers.cli.calls import not_now, show_begun, tell_outcome
from workers.cli.common import AsJson, DryRun, Loan, by, console, open_context
from workers.visits.start import cancel_visit, start_visit

app = typer.Typer(
    help="Visits: begin one within its hours, say what came of it, or call it off.",
    no_args_is_help=True,
)

Visitor = Annotated[Actor, by("The staff reference of one of the two visitors.")]
By = Annotated[Actor, by("The staff reference of whoever decides it.")]


@app.command()
def start(loan: Loan, actor: Visitor, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Ask the gate once more and show the address. Exit code 1: not now, and why.

    The address is personal data: showing it is on record.
    """
    ctx = open_context()
    try:
        begun = start_visit(ctx, loan, actor=actor, dry_run=dry_run)
    except BarredError as barred:
        not_now(barred, ctx.settings.lender_zone)
        raise typer.Exit(1) from None
    show_begun(begun, "Visit", as_json=as_json, dry_run=dry_run)


@app.command()
def end(
    loan: Loan,
    actor: Visitor,
    outcome: Annotated[ContactOutcome, typer.Option(help="What came of it.")],
) -> None:
    """Say what came of the visit that was begun: what is on record is not changed later."""
    tell_outcome(loan, Channel.VISIT, actor, outcome)


@app.command("call-off")
def call_off(
    loan: Loan,
    actor: By,
    why: Annotated[str, typer.Option(help="Why, in words that name nobody.")],
) -> None:
    """Call off a visit that nobody made: its visitors are free, and the ladder plans it anew."""
    cancel_visit(open_context(), loan, actor=actor, why=why)
    console.print(f"The visit of loan {loan} is called off.", markup=False)
