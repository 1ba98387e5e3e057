"""`arrears texts`: texts of which nobody knows whether they were sent, for a person to decide.

Look each one up at its provider, by number, wording and time, and then record what is true.
"""

from typing import Annotated
from uuid import UUID

import typer

from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, DryRun, Limit
from workers.cli.context import open_context, read
from workers.cli.language import coded, say
from workers.cli.render import Table, loans_named, print_done, show_page
from workers.db.pages import Asked
from workers.sms import decide_unconfirmed
from workers.sms.decide_unconfirmed import UnconfirmedText

app = typer.Typer()

Message = Annotated[UUID, typer.Argument(help="The id of the text, as `unconfirmed` shows it.")]

TEXTS = Table[UnconfirmedText](
    "Unconfirmed texts",
    {
        "text": lambda text: text.message,
        "loans": lambda text: loans_named(text.loan, text.other_loans),
        "item": lambda text: text.item,
        "provider": lambda text: text.provider,
        "since": lambda text: text.since,
        "is": lambda text: coded("message_status", text.status),
    },
    if_none="There are no unconfirmed texts.",
    kinds="message_status",
    one_line=("text",),
)


@app.command("unconfirmed")
def list_unconfirmed(
    limit: Limit = ROWS_OF_A_PAGE, after: After = None, as_json: AsJson = False
) -> None:
    """List the texts that may or may not have been sent. `parked` ones wait for a person."""
    asked = Asked(limit, after)
    found = read(
        lambda connection, ctx: decide_unconfirmed.read_unconfirmed(connection, ctx, asked)
    )
    show_page(TEXTS, found, as_json=as_json)


@app.command("mark-sent")
def mark_sent(
    message: Message,
    sid: Annotated[str | None, typer.Option(help="The provider's own id of the text.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Record that the provider accepted the text: its action is done."""
    ctx = open_context()
    decide_unconfirmed.mark_sent(ctx, message, sid=sid, dry_run=dry_run)
    print_done(
        say("Text {message} counts as sent; its action is done.", message=message), dry_run=dry_run
    )


@app.command("mark-unsent")
def mark_unsent(message: Message, dry_run: DryRun = False) -> None:
    """Record that the text was never sent: another is sent, if the contact gate allows it."""
    ctx = open_context()
    decide_unconfirmed.mark_unsent(ctx, message, dry_run=dry_run)
    print_done(
        say("Text {message} counts as not sent; its action is due now.", message=message),
        dry_run=dry_run,
    )


@app.command()
def abandon(message: Message, dry_run: DryRun = False) -> None:
    """Leave it open whether the text was sent, and do nothing more about it."""
    ctx = open_context()
    decide_unconfirmed.abandon_text(ctx, message, dry_run=dry_run)
    print_done(say("The action of text {message} is discarded.", message=message), dry_run=dry_run)
