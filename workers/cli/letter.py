"""`arrears letter`: print a letter that was written for a loan."""

from typing import Annotated

import typer

from domain.actors import Actor
from workers.cli.common import Loan, by, log_to_stderr
from workers.cli.context import open_context
from workers.cli.render import errors
from workers.visits.letters import open_letter

app = typer.Typer()


@app.command("print")
def print_(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
    *,
    actor: Annotated[Actor, by("The staff reference of the person who prints it.")],
) -> None:
    """Print the letter that was written for a loan. It is personal data: the access is logged."""
    log_to_stderr("workers.visits.letters")
    found = open_letter(open_context(), loan, item, actor=actor)
    print(found.body)
    if not found.still_due:
        errors.print(
            "Do not post this letter: what it is about has been paid, or other arrears took its "
            "place."
        )
