"""`arrears keys`: make an encryption key, and replace older keys by a new one."""

from typing import Any

import typer

from domain.errors import ArrearsError
from workers.cli.common import AsJson, DryRun
from workers.cli.language import say
from workers.cli.render import UNCHANGED, Table, errors, print_lines, show
from workers.db.encryption import Cipher

app = typer.Typer()

LEFT = Table[tuple[str, int]](
    "Encrypted with an older key",
    {"in": lambda left: left[0], "rows": lambda left: left[1]},
    if_none="Nothing is encrypted with an older key.",
)


BrokenValue = Any
"""A `workers.privacy.verify_values.BrokenValue`: `new` loads nothing of the database."""

BROKEN = Table[BrokenValue](
    "Values that do not open",
    {
        "in": lambda value: value.table,
        "row": lambda value: value.id,
        "column": lambda value: value.column,
        "why": lambda value: value.reason,
    },
    if_none="Every encrypted value opens in its place.",
)


@app.command()
def new() -> None:
    """Make a key for ARREARS_ENCRYPTION_KEYS, and print it."""
    print_lines(Cipher.new_key())


@app.command("rotate")
def rotate_(dry_run: DryRun = False) -> None:
    """Encrypt all personal data with the first key. It may be stopped and run again at any time."""
    # `new` runs before there is a database, and loads nothing of it.
    from workers.cli.context import open_context
    from workers.privacy.key_rotation import count_left, rotate

    ctx = open_context()
    with ctx.engine.connect() as connection:
        left = count_left(connection, ctx)
    LEFT.print((name, rows) for name, rows in left.items() if rows)
    if dry_run:
        print_lines(say(UNCHANGED))
        return
    done = dict.fromkeys(left, 0)

    def report_progress(name: str, rows: int) -> None:
        done[name] += rows
        errors.print(
            say(
                "{name}: {done} of {rows}",
                name=name,
                done=done[name],
                rows=max(left[name], done[name]),
            ),
            markup=False,
        )

    if not rotate(ctx, report_progress):
        raise ArrearsError(
            say(
                "Some rows were in use, or have a value that does not open, and are left. "
                "`arrears keys verify` lists the latter. The worker of `maintenance` continues "
                "with the others; or run this again."
            )
        )
    print_lines(
        say(
            "Everything is encrypted with the first key of ARREARS_ENCRYPTION_KEYS. The "
            "others may be removed from the list; keep them as long as there are "
            "back-ups that they open."
        )
    )


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Open every encrypted value. What was changed, moved or lost its key is listed."""
    from workers.cli.context import open_context
    from workers.privacy.verify_values import find_broken

    found = list(find_broken(open_context()))
    show(BROKEN, found, as_json=as_json)
    if found:
        raise typer.Exit(1)


@app.command()
def webhook() -> None:
    """Print ARREARS_WEBHOOK_KEY: with it the webhook can store, and cannot decrypt."""
    from workers.cli.context import open_context

    print_lines(open_context().cipher.webhook_key())
