"""`arrears token`: the secrets by which people and machines are known."""

import os
from pathlib import Path
from typing import Annotated

import typer

from workers.access import tokens
from workers.access.secrets import fingerprint_of, token_file, write_new_secret
from workers.access.tokens import Token
from workers.cli.common import AsJson
from workers.cli.context import open_context, read
from workers.cli.language import say
from workers.cli.render import Table, print_lines, show

app = typer.Typer()

TOKENS = Table[Token](
    "Tokens",
    {
        "of": lambda token: token.staff or token.machine,
        "fingerprint": lambda token: token.fingerprint,
        "until": lambda token: token.expires_at,
        "revoked": lambda token: token.revoked_at or "",
        "last use": lambda token: token.last_used_at or say("never"),
        "enrolled by": lambda token: token.created_by,
    },
    if_none="No token is enrolled.",
    one_line=("fingerprint",),
)


@app.command()
def new(
    file: Annotated[
        Path | None, typer.Option(help="Where to write it; ARREARS_TOKEN_FILE if left out.")
    ] = None,
) -> None:
    """Make a token for yourself, in a file that only you can read. An administrator enrols it."""
    path = file or token_file(os.environ)
    fingerprint = fingerprint_of(write_new_secret(path))
    print_lines(
        say("Your token is in {path}. Nobody else needs it.", path=path),
        say("An administrator enrols its fingerprint:"),
        f"    arrears token enrol REFERENCE {fingerprint}",
    )


@app.command()
def enrol(
    holder: Annotated[str, typer.Argument(help="A staff reference, or a machine with --machine.")],
    fingerprint: Annotated[str, typer.Argument(help="What `arrears token new` printed.")],
    machine: Annotated[bool, typer.Option("--machine", help="It is a machine's.")] = False,
    days: Annotated[
        int, typer.Option(min=1, max=tokens.MOST_DAYS, help="For how many days it is taken.")
    ] = 90,
) -> None:
    """Take a token for that of a person or a machine. A second person grants it."""
    ctx = open_context()
    tokens.enrol_token(ctx, holder, fingerprint, of_machine=machine, days=days)
    print_lines(say("The token of {holder} is taken for {days} days.", holder=holder, days=days))


@app.command()
def revoke(
    which: Annotated[
        str, typer.Argument(help="A fingerprint; or a staff reference or machine: all of theirs.")
    ],
) -> None:
    """Take a token no longer, from now on. It needs no second person."""
    count = tokens.revoke_tokens(open_context(), which)
    print_lines(say("Revoked: {count} token(s) of {which}.", count=count, which=which))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens: whose, until when, and when each was used last."""
    show(TOKENS, read(tokens.read_tokens), as_json=as_json)
