"""`arrears reply`: read what a borrower texted back, and close it with what it means."""

from typing import Annotated, Any

import typer

from domain.errors import ArrearsError
from domain.inbound_texts import Meaning
from workers.borrowers.reply_queue import open_reply
from workers.cli.common import log_to_stderr
from workers.cli.context import open_context, submit
from workers.cli.language import say
from workers.cli.said import Places, Speaks, Times, read_said

app = typer.Typer()

Reply = Annotated[int, typer.Argument(help="The reply's number, as `arrears worklist` shows it.")]


@app.command()
def read(
    reply: Reply,
) -> None:
    """Print a borrower's text. It is personal data: the access is logged."""
    log_to_stderr("workers.borrowers.reply_queue")
    ctx = open_context()
    body = open_reply(ctx, reply).body
    # The borrower's text must not control the terminal: only line feeds stay.
    print("".join(char if char.isprintable() or char == "\n" else "�" for char in body))


@app.command()
def close(
    reply: Reply,
    means: Annotated[Meaning, typer.Option(help="What the text means, whatever it was taken for.")],
    dispute_id: Annotated[
        str | None, typer.Option("--id", help="The lender's id of the dispute, for a dispute.")
    ] = None,
    why: Annotated[
        str | None, typer.Option(help="For a dispute: why, in words that identify nobody.")
    ] = None,
    loan: Annotated[
        str | None,
        typer.Option(help="For a dispute or a plan: the loan, if it is not the reply's own."),
    ] = None,
    inconvenient_times: Times = None,
    inconvenient_places: Places = None,
    speaks: Speaks = None,
) -> None:
    """Close a reply that was read, and do what it asks for. Texts to the number may go on then."""
    said = read_said(inconvenient_times, inconvenient_places, speaks)
    if bool(said) != (means is Meaning.WISHES):
        raise ArrearsError(
            say(
                "`--means wishes`, and nothing else, says what they want: "
                "--inconvenient-time, --inconvenient-place or --speaks."
            )
        )
    payload: dict[str, Any] = {
        "reply": reply,
        "meaning": means,
        "dispute": dispute_id,
        "loan": loan,
        "why": why,
    }
    if said:
        payload["said"] = said
    ctx = open_context()
    submit(ctx, "reply_read", f"{reply}:{means}:{ctx.actor}", payload)
