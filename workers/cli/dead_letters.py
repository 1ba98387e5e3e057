"""`arrears dead`: actions that were given up, and letting one go again or dropping it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from workers.actions import dead_letters
from workers.actions.dead_letters import DeadAction, History
from workers.cli.common import AsJson, By, DryRun, console, open_context, say_done, show_table

app = typer.Typer(
    help="Actions that were given up: list them, look at one, resume or drop it.",
    no_args_is_help=True,
)

Action = Annotated[int, typer.Argument(help="The number of the action, as `list` shows it.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show every action that was given up, and why."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = dead_letters.read_dead(connection, ctx.settings.lender_zone)
    if as_json:
        console.print_json(data=[asdict(row) for row in found], default=str)
        return
    show_table(
        "Dead actions",
        ("action", "loan", "item", "work", "tries in vain", "why", "since"),
        [
            (
                str(row.action),
                row.loan,
                row.item,
                row.action_type,
                str(row.attempts),
                row.reason or "",
                f"{row.since:%Y-%m-%d %H:%M}",
            )
            for row in found
        ],
        "Nothing was given up.",
        to_copy=("action",),
    )


@app.command()
def show(action: Action, as_json: AsJson = False) -> None:
    """Show all that happened to an action: its moves and its texts."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = dead_letters.read_history(connection, action, ctx.settings.lender_zone)
    if as_json:
        console.print_json(data=asdict(found), default=str)
        return
    _show_history(found)


@app.command()
def resume(action: Action, actor: By, dry_run: DryRun = False) -> None:
    """Let an action go again, with all its tries before it. The gate is asked again, as always."""
    was = dead_letters.resume(open_context(), action, actor, dry_run=dry_run)
    say_done(f"{_named(was)} is planned again, and due now.", dry_run=dry_run)


@app.command()
def drop(action: Action, actor: By, dry_run: DryRun = False) -> None:
    """Give an action up for good."""
    was = dead_letters.drop(open_context(), action, actor, dry_run=dry_run)
    say_done(f"{_named(was)} is dropped.", dry_run=dry_run)


def _named(each_action: DeadAction) -> str:
    return f"{each_action.item} for loan {each_action.loan}"


def _show_history(found: History) -> None:
    one = found.action
    console.print(Text(f"Action {one.action}: {_named(one)} ({one.action_type}) is {one.status}."))
    show_table(
        "Moves",
        ("at", "from", "to", "why"),
        [
            (f"{move.at:%Y-%m-%d %H:%M:%S}", move.was, move.became, move.reason or "")
            for move in found.moves
        ],
        "It has not moved since it was planned.",
    )
    show_table(
        "Texts",
        ("at", "text", "provider", "is", "code", "provider's id"),
        [
            (
                f"{text.at:%Y-%m-%d %H:%M:%S}",
                str(text.message),
                text.provider,
                text.status,
                text.code or "",
                text.sid or "",
            )
            for text in found.texts
        ],
        "No text was written for it.",
    )
