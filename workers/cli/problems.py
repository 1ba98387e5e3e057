"""`arrears problem`: a person saw to what no event and no repair will put right."""

from __future__ import annotations

from typing import Annotated

import typer

from workers.cli.common import By, DryRun, Loan, open_context, say_done
from workers.operations.resolve import discard_event, resolve_problem

app = typer.Typer(
    help="What `arrears problems` shows, once a person has seen to it.", no_args_is_help=True
)

Why = Annotated[str, typer.Option(help="What was done about it, in words that name nobody.")]


@app.command()
def settle(
    loan: Loan,
    kind: Annotated[str, typer.Argument(help="Its kind, as `arrears problems` shows it.")],
    actor: By,
    why: Why,
    dry_run: DryRun = False,
) -> None:
    """Close a problem of a loan that was seen to. It comes back should its cause."""
    resolve_problem(open_context(), loan, kind, actor=actor, why=why, dry_run=dry_run)
    say_done(f"The problem {kind} of loan {loan} is settled.", dry_run=dry_run)


@app.command()
def drop(
    event: Annotated[str, typer.Argument(help="Its id, as `arrears problems` shows it.")],
    actor: By,
    why: Why,
    dry_run: DryRun = False,
) -> None:
    """Let go of an event that waits for what will never come, or was rejected."""
    discard_event(open_context(), event, actor=actor, why=why, dry_run=dry_run)
    say_done(f"Event {event} is dropped: it is never applied.", dry_run=dry_run)
