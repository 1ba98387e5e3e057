"""`arrears number`: what is true of a telephone number, which nobody has to type."""

from typing import Annotated, Literal

import typer

from domain.actors import Actor
from domain.errors import ArrearsError
from workers.cli.common import By
from workers.cli.context import open_context, submit

app = typer.Typer()

Fact = Annotated[
    Literal["reaches_nobody", "somebody_else", "refused", "no_texts", "opted_out", "at_work"],
    typer.Argument(help="What is true of the number."),
]
Borrower = Annotated[
    str | None, typer.Option("--borrower", help="Whose number it is: the lender's id.")
]
Reply = Annotated[
    int | None, typer.Option("--reply", help="Or the reply that came from it, as in the worklist.")
]


@app.command()
def note(fact: Fact, actor: By, borrower: Borrower = None, reply: Reply = None) -> None:
    """Record what is true of a number: it holds for everybody who has it."""
    _report("number_fact", fact, actor, borrower, reply)


@app.command()
def end(fact: Fact, actor: By, borrower: Borrower = None, reply: Reply = None) -> None:
    """Record that something is not true of a number any more: what waited for it is due again."""
    _report("number_fact_end", fact, actor, borrower, reply)


def _report(kind: str, fact: str, actor: Actor, borrower: str | None, reply: int | None) -> None:
    if (borrower is None) == (reply is None):
        raise ArrearsError("Name the number by --borrower or by --reply, and not by both.")
    ctx = open_context()
    payload: dict[str, str | int | list[str] | None] = {
        "borrower": borrower,
        "reply": reply,
        "fact": fact,
        "actor": actor.reference,
    }
    # Each report is an event of its own: the same may become true again after it ended.
    named = borrower or f"reply-{reply}"
    submit(ctx, kind, f"{named}:{fact}:{ctx.now().isoformat()}", payload)
