"""`arrears keys`: letting a new key take the place of the older ones."""

from __future__ import annotations

import typer
from rich.text import Text

from domain.errors import ArrearsError
from workers.cli.common import UNCHANGED, DryRun, console, errors, open_context, show_table
from workers.privacy.key_rotation import count_left, rotate

app = typer.Typer(
    help="The keys that seal personal data: let a new one take the place of the older ones.",
    no_args_is_help=True,
)


@app.callback()
def keys() -> None:
    """A group, so that `rotate` is spelt out."""


@app.command("rotate")
def rotate_(dry_run: DryRun = False) -> None:
    """Seal everything with the first key of the list. May be stopped, and begun again, anywhere."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        left = count_left(connection, ctx)
    show_table(
        "Sealed with an older key",
        ("in", "rows"),
        [(name, str(rows)) for name, rows in left.items() if rows],
        "Nothing is sealed with an older key.",
    )
    if dry_run:
        console.print(UNCHANGED)
        return
    done = dict.fromkeys(left, 0)

    def tell(name: str, rows: int) -> None:
        done[name] += rows
        errors.print(Text(f"{name}: {done[name]} of {max(left[name], done[name])}"))

    if not rotate(ctx, tell):
        raise ArrearsError(
            "Some rows were in use and are left. The worker of `repair` goes on with them; or run "
            "this once more."
        )
    console.print(
        "Everything is sealed with the first key of ARREARS_ENCRYPTION_KEYS. The others may be "
        "taken out of the list; keep them as long as back-ups that they open."
    )
