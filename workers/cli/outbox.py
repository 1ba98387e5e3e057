"""`arrears outbox`: events that the lender's systems have not received, and sending them again."""

from typing import Annotated
from uuid import UUID

import typer

from domain.errors import ArrearsError
from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, Limit, OfLoan
from workers.cli.context import open_context, read
from workers.cli.language import say
from workers.cli.render import Table, print_json, print_lines, print_pages
from workers.db.pages import Asked
from workers.outbox import resend as resending
from workers.outbox.resend import UndeliveredEvent

app = typer.Typer()

Dead = Annotated[bool, typer.Option("--dead", help="Those that were given up.")]

EVENTS = Table[UndeliveredEvent](
    "Events that were not delivered",
    {
        "event": lambda event: event.event,
        "what": lambda event: (
            say("{item} of loan {loan}", item=event.kind, loan=event.loan)
            + f", {event.happened_at:%Y-%m-%d %H:%M}"
        ),
        "next try": lambda event: event.next_try_at or say("given up"),
        "why": lambda event: event.reason or say("not tried yet"),
    },
    if_none="There are no such events.",
    one_line=("event",),
)


@app.command("list")
def list_(
    dead: Dead = False,
    kind: Annotated[str | None, typer.Option(help="Only this kind of event.")] = None,
    loan: OfLoan = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List the events that wait or were given up, the oldest first."""
    asked = Asked(limit, after, kind, loan)
    found = read(
        lambda connection, ctx: resending.read_undelivered(connection, ctx, asked, dead_only=dead)
    )
    if as_json:
        print_json(found)
        return
    pages = [(EVENTS, page) for page in (found.waiting, found.dead) if page]
    print_pages(*(pages or [(EVENTS, found.dead)]))


@app.command()
def resend(
    event: Annotated[
        UUID | None, typer.Argument(help="The id of the event, as `list` shows it.")
    ] = None,
    dead: Dead = False,
) -> None:
    """Send an event again, or all that were given up. Each keeps its id."""
    if dead == (event is not None):
        raise ArrearsError(say("Name either the event to send again, or all with --dead."))
    ctx = open_context()
    if event is None:
        resent = resending.resend_dead(ctx)
        print_lines(say("{resent} event(s) that were given up are sent again.", resent=resent))
        return
    resending.resend(ctx, event)
    print_lines(say("The event {event} is sent again.", event=event))
