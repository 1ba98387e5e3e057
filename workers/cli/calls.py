"""`arrears call`: a collector begins a call that the gate allows, and says what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from workers.attempts.attempts import BarredError, StartedAttempt, find_open_attempt
from workers.calls.start import start_call
from workers.cli.common import (
    AsJson,
    DryRun,
    Loan,
    by,
    console,
    errors,
    open_context,
    say_done,
    submit,
)

app = typer.Typer(
    help="Calls: begin one that the law allows now, and say what came of it.",
    no_args_is_help=True,
)

Caller = Annotated[Actor, by("The staff reference of whoever makes the call.")]
Outcome = Annotated[ContactOutcome, typer.Option(help="What came of it.")]


@app.command()
def start(
    loan: Loan,
    actor: Caller,
    item: Annotated[
        str | None, typer.Option(help="The ladder item; the newest call if left out.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask the gate, put the call on record and show the number. Exit code 1: not now, and why.

    The number is personal data: showing it is on record.
    """
    ctx = open_context()
    try:
        begun = start_call(ctx, loan, actor=actor, item=item, dry_run=dry_run)
    except BarredError as barred:
        not_now(barred, ctx.settings.lender_zone)
        raise typer.Exit(1) from None
    show_begun(begun, "Call", as_json=as_json, dry_run=dry_run)


@app.command()
def end(
    loan: Loan,
    actor: Caller,
    outcome: Outcome,
    reason: Annotated[
        ArrearsReason | None,
        typer.Option(help="Why the loan is overdue, if the borrower said so."),
    ] = None,
) -> None:
    """Say what came of the call that was begun last: what is on record is not changed later."""
    tell_outcome(loan, Channel.CALL, actor, outcome, reason)


def tell_outcome(
    loan: str,
    channel: Channel,
    actor: Actor,
    outcome: ContactOutcome,
    reason: ArrearsReason | None = None,
) -> None:
    """Tell what came of the attempt that was begun last."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        attempt = find_open_attempt(connection, loan, channel)
    payload = {"attempt": attempt, "outcome": outcome, "reason": reason, "actor": actor.reference}
    submit(ctx, "contact_outcome", attempt, payload)


def show_begun(begun: StartedAttempt, what: str, *, as_json: bool, dry_run: bool) -> None:
    """What may begin: for programs, or for the person who begins it."""
    if as_json:
        console.print_json(data=asdict(begun))
        return
    lines = [f"{what} for {begun.item}, in {begun.language}: {begun.purpose}"]
    if begun.must_learn:
        lines.append(f"Learn: {', '.join(begun.must_learn)}.")
    if begun.may_offer:
        lines.append(f"You may offer: {', '.join(begun.may_offer)}.")
    if begun.warnings:
        lines.append(f"Rules that advise against it: {', '.join(begun.warnings)}.")
    for line in lines:
        console.print(Text(line))
    say_done(f"{begun.reach}  (attempt {begun.attempt})", dry_run=dry_run)


def not_now(barred: BarredError, zone: ZoneInfo) -> None:
    """Why it may not begin, when it may, and by which rules."""
    errors.print(Text(f"Not now. {barred}"))
    if barred.until is not None:
        until = barred.until.astimezone(zone)
        errors.print(Text(f"Not before {until:%Y-%m-%d %H:%M} ({zone})."))
    if barred.rules:
        errors.print(Text(f"Rules: {', '.join(barred.rules)}."))
