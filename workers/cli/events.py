"""`arrears events`: events that cannot be applied."""

from typing import Annotated

import typer

from workers.cli.common import By, DryRun, Why
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import print_done
from workers.inbox.discard import discard_event

app = typer.Typer()


@app.command()
def discard(
    event: Annotated[str, typer.Argument(help="Its id, as `arrears problems list` shows it.")],
    actor: By,
    why: Why,
    dry_run: DryRun = False,
) -> None:
    """Discard an event that was rejected, or that waits for something that will never come."""
    discard_event(open_context(), event, actor=actor, why=why, dry_run=dry_run)
    print_done(
        say("Event {event} is discarded: it is never applied.", event=event), dry_run=dry_run
    )
