"""`arrears visit`: visitors start a visit that the gate still allows, and record its outcome."""

from functools import partial
from typing import Annotated, Any

import typer

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from workers.cli.call import print_started, submit_outcome
from workers.cli.common import AsJson, DryRun, Loan, Why
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.outcome_options import with_outcome
from workers.cli.render import print_lines
from workers.visits.start import cancel_visit, start_visit

app = typer.Typer()


@app.command()
def start(loan: Loan, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Ask the contact gate again and show the address. Exit code 1: not now, and why.

    The address is personal data: the access is logged.
    """
    ctx = open_context()
    begin = partial(start_visit, ctx, loan, dry_run=dry_run)
    print_started("Visit", begin, ctx.settings.lender_zone, as_json=as_json, dry_run=dry_run)


@app.command("outcome")
@with_outcome
def record_outcome(
    loan: Loan,
    outcome: Annotated[ContactOutcome, typer.Option(help="What came of it.")],
    said: dict[str, Any],
    at: Annotated[
        str | None,
        typer.Option("--at", help="With callback_requested: when to call, as 2026-03-01 17:30."),
    ] = None,
) -> None:
    """Record the outcome of the visit that was started. It cannot be changed later."""
    submit_outcome(loan, Channel.VISIT, outcome, said, callback_at=at)


@app.command()
def cancel(loan: Loan, why: Why) -> None:
    """Cancel a visit that nobody made: its visitors are free, and the ladder plans a new one."""
    ctx = open_context()
    cancel_visit(ctx, loan, why=why)
    print_lines(say("The visit of loan {loan} is cancelled.", loan=loan))
