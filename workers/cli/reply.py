"""`arrears reply`: read what a borrower texted back, and close it."""

from typing import Annotated

import typer

from domain.actors import Actor
from workers.borrowers.reply_queue import close_reply, open_reply
from workers.cli.common import by, log_to_stderr
from workers.cli.context import open_context
from workers.cli.render import print_lines

app = typer.Typer()

Reply = Annotated[int, typer.Argument(help="The reply's number, as `arrears worklist` shows it.")]


@app.command()
def read(
    reply: Reply,
    actor: Annotated[Actor, by("The staff reference of the person who reads it.")],
) -> None:
    """Print a borrower's text. It is personal data: the access is logged."""
    log_to_stderr("workers.borrowers.reply_queue")
    body = open_reply(open_context(), reply, actor=actor).body
    # The borrower's text must not control the terminal: only line feeds stay.
    print("".join(char if char.isprintable() or char == "\n" else "�" for char in body))


@app.command()
def close(
    reply: Reply,
    actor: Annotated[Actor, by("The staff reference of the person who dealt with it.")],
) -> None:
    """Close a reply that was dealt with: it leaves the worklist."""
    close_reply(open_context(), reply, actor=actor)
    print_lines(f"Reply {reply} is closed.")
