"""`arrears letter`: print a letter that was written for a loan, or record that it came back."""

from typing import Annotated, Literal

import typer

from workers.cli.common import Loan, log_to_stderr
from workers.cli.context import open_context, submit
from workers.cli.language import say
from workers.cli.render import errors
from workers.visits.letters import open_letter

app = typer.Typer()


@app.command("print")
def print_(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
) -> None:
    """Print the letter that was written for a loan. It is personal data: the access is logged."""
    log_to_stderr("workers.visits.letters")
    ctx = open_context()
    found = open_letter(ctx, loan, item, actor=ctx.actor)
    print(found.body)
    if not found.still_due:
        errors.print(
            say(
                "Do not post this letter: it is not due any more, or what is known by now stops it."
            )
        )


@app.command()
def returned(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
    fact: Annotated[
        Literal["reaches_nobody", "somebody_else", "refused"],
        typer.Option(help="What the post says: moved away or unknown, another's, or not taken."),
    ] = "reaches_nobody",
) -> None:
    """Record that the post brought back a letter: no visit and no letter to that address."""
    ctx = open_context()
    payload = {"loan": loan, "fact": fact}
    if item is not None:
        payload["item"] = item
    submit(ctx, "letter_returned", f"{loan}:{ctx.now().isoformat()}", payload)
