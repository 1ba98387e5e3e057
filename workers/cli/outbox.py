"""`arrears outbox`: what the lender's systems have not taken, and sending it again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from domain.errors import ArrearsError
from workers.cli.common import AsJson, console, open_context
from workers.outbox import resend as resending
from workers.outbox.resend import Untaken

app = typer.Typer(
    help="Events for the lender's systems: list those not taken, send one again.",
    no_args_is_help=True,
)

Dead = Annotated[bool, typer.Option("--dead", help="Those that were given up.")]


@app.command("list")
def list_(dead: Dead = False, as_json: AsJson = False) -> None:
    """Show the events that wait or were given up, the oldest first."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = resending.read_untaken(connection, ctx.settings.lender_zone, dead_only=dead)
    if as_json:
        console.print_json(data=asdict(found), default=str)
        return
    _show(found)


@app.command()
def resend(
    event: Annotated[
        UUID | None, typer.Argument(help="The id of the event, as `list` shows it.")
    ] = None,
    dead: Dead = False,
) -> None:
    """Let an event go out again, or all that were given up. It keeps its id."""
    if dead == (event is not None):
        raise ArrearsError("Name either the event to send again, or all with --dead.")
    ctx = open_context()
    if event is None:
        resent = resending.resend_dead(ctx)
        console.print(f"{resent} event(s) that were given up go out again.")
        return
    resending.resend(ctx, event)
    console.print(Text(f"The event {event} goes out again."))


def _show(found: Untaken) -> None:
    if not found.events:
        console.print("There are no such events.")
        return
    # An id is for copying: it stays on one line, however narrow the window is.
    table = Table(Column("event", no_wrap=True), "what", "next try", "why", box=SIMPLE_HEAD)
    for event in found.events:
        table.add_row(
            str(event.event),
            Text(f"{event.kind} of loan {event.loan}, {event.happened_at:%Y-%m-%d %H:%M}"),
            f"{event.next_try_at:%Y-%m-%d %H:%M}" if event.next_try_at else "given up",
            event.reason or "not tried yet",
        )
    console.print(table)
    if found.total > len(found.events):
        console.print(f"These are the first {len(found.events)} of {found.total}.")
