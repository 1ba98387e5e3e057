"""`arrears reply`: reading what a borrower wrote back, and noting that somebody saw to it."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from rich.text import Text

from domain.actors import Actor
from workers.borrowers.reply_queue import close_reply, open_reply
from workers.cli.common import by, console, open_context

app = typer.Typer(
    help="Borrowers' texts that ask for a person: read one, and note that it was seen to.",
    no_args_is_help=True,
)

Reply = Annotated[int, typer.Argument(help="The number of the reply, as `arrears work` shows it.")]


@app.command()
def read(
    reply: Reply,
    actor: Annotated[Actor, by("The staff reference of whoever reads it.")],
) -> None:
    """Print a borrower's text. It holds personal data: each look is noted."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("workers.borrowers.reply_queue").setLevel(logging.INFO)
    body = open_reply(open_context(), reply, actor=actor).body
    # Whoever wrote it is not to write to the terminal: no control characters but the line's end.
    print("".join(one if one.isprintable() or one == "\n" else "�" for one in body))


@app.command()
def done(
    reply: Reply,
    actor: Annotated[Actor, by("The staff reference of whoever saw to it.")],
) -> None:
    """Note that somebody saw to a reply: it is nobody's work any more."""
    close_reply(open_context(), reply, actor=actor)
    console.print(Text(f"Reply {reply} is seen to."))
