"""`arrears events`: one event with its corrections, and events that cannot be applied."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from domain.language.speak import speak
from domain.reasons import Reasons
from workers.cli.common import DryRun, Why
from workers.cli.context import open_context
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import print_done, print_lines
from workers.db.inbox import without_hashes
from workers.inbox.discard import discard_event, show_event

app = typer.Typer()


Event = Annotated[str, typer.Argument(help="Its id, as `arrears problems list` shows it.")]


@app.command()
def show(event: Event) -> None:
    """Show what an event says, what came of it, and what it said before it was corrected.

    Personal data is not shown.
    """
    ctx = open_context()
    stored, replaced = show_event(ctx, event)
    zone = ctx.settings.lender_zone

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    print_lines(
        say(
            "Event {event}, {kind}, came in on {at}: {status}.",
            event=event,
            kind=coded("event_kind", stored.kind),
            at=at(stored.received_at),
            status=coded("event_status", stored.status),
        ),
        *_contents(stored.payload, stored.reason),
    )
    for before in reversed(replaced):
        print_lines(
            say(
                "Corrected on {at}. Before that it was {status}:",
                at=at(before.replaced_at),
                status=coded("event_status", before.status),
            ),
            *_contents(before.payload, before.reason),
        )


def _contents(payload: Mapping[str, Any], reason: Reasons) -> Iterator[str]:
    if reason:
        yield f"  {speak(reason, language_of_environment())}"
    for name, value in without_hashes(payload).items():
        if value is not None:
            yield f"  {name}: {value}"


@app.command()
def discard(
    event: Event,
    why: Why,
    dry_run: DryRun = False,
) -> None:
    """Discard an event that was rejected, or that waits for something that will never come."""
    ctx = open_context()
    discard_event(ctx, event, why=why, dry_run=dry_run)
    print_done(
        say("Event {event} is discarded: it is never applied.", event=event), dry_run=dry_run
    )
