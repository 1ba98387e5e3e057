"""`arrears unknown`: texts of which nobody can tell whether they went out, for a person to decide.

Look each one up at its provider, by the number, the words and the time, and then say what is so.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from workers.cli.common import AsJson, By, DryRun, console, open_context, say_done, show_table
from workers.sms.unconfirmed import abandon_text, mark_sent, mark_unsent, read_unconfirmed

app = typer.Typer(
    help="Texts whose answer was lost: list them, and say what became of one.",
    no_args_is_help=True,
)

Message = Annotated[UUID, typer.Argument(help="The id of the text, as `list` shows it.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the texts that may or may not have gone out. `parked` ones wait for a person."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_unconfirmed(connection, ctx.settings.lender_zone)
    if as_json:
        console.print_json(data=[asdict(row) for row in found], default=str)
        return
    show_table(
        "Unknown texts",
        ("text", "loan", "item", "provider", "since", "is"),
        [
            (
                str(row.message),
                row.loan,
                row.item,
                row.provider,
                f"{row.since:%Y-%m-%d %H:%M}",
                row.status,
            )
            for row in found
        ],
        "There are no unknown texts.",
        to_copy=("text",),
    )


@app.command()
def sent(
    message: Message,
    actor: By,
    sid: Annotated[str | None, typer.Option(help="The provider's own id of the text.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Say that the provider took the text: its action is done."""
    mark_sent(open_context(), message, actor, sid=sid, dry_run=dry_run)
    say_done(f"Text {message} counts as sent; its action is done.", dry_run=dry_run)


@app.command()
def resend(message: Message, actor: By, dry_run: DryRun = False) -> None:
    """Say that the text never went out: another one is sent, if the gate still allows it."""
    mark_unsent(open_context(), message, actor, dry_run=dry_run)
    say_done(f"Text {message} counts as not sent; its action is due now.", dry_run=dry_run)


@app.command()
def drop(message: Message, actor: By, dry_run: DryRun = False) -> None:
    """Leave it open whether the text went out, and do nothing more about it."""
    abandon_text(open_context(), message, actor, dry_run=dry_run)
    say_done(f"The action of text {message} is dropped.", dry_run=dry_run)
