"""`arrears letter`: print a letter that was written for a loan, record that it came back, or what a
letter of the person says."""

from typing import Annotated, Any, Literal

import typer

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from workers.cli.call import submit_inbound
from workers.cli.common import Loan, log_to_stderr
from workers.cli.context import open_context, submit
from workers.cli.language import say
from workers.cli.outcome_options import with_outcome
from workers.cli.render import errors
from workers.visits.letters import Letter, open_letter

app = typer.Typer()


@app.command("print")
def print_(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="To read it only: the letter itself says that it is not for posting."
        ),
    ] = False,
) -> None:
    """Print the letter that was written for a loan. It is personal data: the access is logged.

    One that must not be posted is not printed, except as a preview.
    """
    log_to_stderr("workers.visits.letters")
    ctx = open_context()
    letter = open_letter(ctx, loan, item, preview=preview)
    if letter.body is None:
        errors.print(
            say(
                "Do not post this letter: it is not due any more, or what is known by now stops "
                "it. Nothing is printed. `arrears explain {loan}` shows why; --preview prints it, "
                "marked as not for posting.",
                loan=loan,
            ),
            markup=False,
        )
        raise typer.Exit(1)
    if preview:
        print(_mark(letter), letter.body, _mark(letter), sep="\n\n")
    else:
        print(letter.body)


def _mark(letter: Letter) -> str:
    """What stands above and below a preview, whatever file or paper it goes to."""
    if letter.still_due:
        said = say("PREVIEW. Do not post this copy.")
    else:
        said = say("PREVIEW. Do not post: the letter is not due any more, or must not go out.")
    return f"*** {said} ***"


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


@app.command()
@with_outcome
def received(
    loan: Loan,
    outcome: Annotated[ContactOutcome, typer.Option(help="What the letter says.")],
    said: dict[str, Any],
    at: Annotated[
        str | None,
        typer.Option("--at", help="When it arrived, as 2026-03-01 09:00; else now."),
    ] = None,
    by_representative: Annotated[
        bool,
        typer.Option("--by-representative", help="Who acts for the borrower wrote."),
    ] = False,
    borrower: Annotated[
        str | None,
        typer.Option(help="The co-borrower or the guarantor who wrote; else the borrower did."),
    ] = None,
) -> None:
    """Record a letter of the person's. It is no conversation, and counts for no cap."""
    if by_representative:
        said = {**said, "by_representative": True}
    submit_inbound(Channel.LETTER, loan, outcome, said, at=at, borrower=borrower)
