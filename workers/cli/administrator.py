"""`arrears administrator`: the first one, and the ways in when nobody else is there.

These run on the server and need no token. Each use is on record.
"""

import os
from typing import Annotated

import typer

from workers.access import administrators
from workers.access.secrets import token_file
from workers.cli.common import Why, lender_id, log_to_stderr
from workers.cli.context import open_context
from workers.cli.language import language_of_environment, said_text, say
from workers.cli.render import print_lines

app = typer.Typer()

Reference = Annotated[str, lender_id("REFERENCE", "The staff reference of the administrator.")]


@app.command()
def first(reference: Reference) -> None:
    """Make the first administrator, with a token for who runs this. It can be done once."""
    ctx, file = open_context(), token_file(os.environ)
    administrators.make_first_administrator(ctx, reference, file)
    print_lines(
        say(
            "{reference} is the administrator. The token is in {file}, for {days} days.",
            reference=reference,
            file=file,
            days=administrators.FIRST_TOKEN_DAYS,
        )
    )


@app.command("break-glass")
def break_glass(reference: Reference, why: Why) -> None:
    """Make a token of one day for an administrator who has none. It is shown to everybody."""
    log_to_stderr("workers.access.administrators")
    ctx, file = open_context(), token_file(os.environ)
    administrators.break_glass_token(ctx, reference, file, why)
    print_lines(
        say(
            "A token of one day for {reference} is in {file}. `arrears check` shows this for a "
            "week.",
            reference=reference,
            file=file,
        )
    )


@app.command("stand-in")
def stand_in(
    request: Annotated[int, typer.Argument(help="The number of the request.")], why: Why
) -> None:
    """Grant a request because no second person is there. It is shown to everybody."""
    log_to_stderr("workers.access.administrators")
    granted = administrators.break_glass_grant(
        open_context(), request, why, language=language_of_environment()
    )
    print_lines(*map(said_text, granted.lines()))
    print_lines(
        say(
            "Granted without a second person. {asked_by} repeats the command now; `arrears check` "
            "shows this for a week.",
            asked_by=granted.asked_by,
        )
    )
