"""What every command shares: the wired house, checked before use, and one place to print."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from domain.actors import Actor
from workers.bootstrap import build_context
from workers.context import Context
from workers.db.encryption_keys import assert_keys_open
from workers.db.engine import assert_reachable
from workers.db.migrate import assert_current
from workers.inbox import process

console = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Loan = Annotated[str, typer.Argument(help="The lender's id of the loan.")]


def by(help: str) -> Any:
    """The option `--by`, which gives an `Actor` of the staff."""
    return typer.Option("--by", parser=Actor, metavar="REFERENCE", help=help)


By = Annotated[Actor, by("The staff reference of whoever decides it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and change nothing.")]

KEPT = 3
"""The exit code for what is kept until the loan, or whatever else it names, comes in."""
UNCHANGED = "Nothing was changed: this was a dry run."


def load_context() -> Context:
    """The house as its settings and policy say; nothing is reached yet.

    Raises:
        ArrearsError: settings or policy are not usable.
    """
    return build_context(load_settings(os.environ))


def open_context() -> Context:
    """The house, with its database reachable, of this release's version, and opened by its keys.

    Raises:
        ArrearsError: it is not; the message says what to do.
    """
    ctx = load_context()
    assert_usable(ctx)
    return ctx


def assert_usable(ctx: Context) -> None:
    """The house's database is reachable, of this release's version, and opened by its keys.

    Raises:
        ArrearsError: it is not; the message says what to do.
    """
    assert_reachable(ctx.engine)
    assert_current(ctx.engine)
    assert_keys_open(ctx.engine, ctx.cipher)


def submit(ctx: Context, kind: str, id: str, payload: Mapping[str, str | None]) -> None:
    """Take in an event that a person tells of, under its kind and its own id; say what came of it.

    Exits with `KEPT` where what it names is not known yet: it is kept, and a typing mistake shows.

    Raises:
        ArrearsError: it can never be applied, or was applied already with other contents.
    """
    settled = process.submit(ctx, f"{kind}:{id}", kind, payload)
    if settled.status == "received":
        errors.print(settled.reason, markup=False)
        raise typer.Exit(KEPT)
    console.print(settled.reason, markup=False)


def say_done(done: str, *, dry_run: bool) -> None:
    """What was done; or, after a dry run, that nothing was."""
    console.print(Text(UNCHANGED if dry_run else done))


def show_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    if_none: str,
    *,
    to_copy: Collection[str] = (),
) -> None:
    """The rows under their title and headings, or a sentence where there are none.

    Cells under the headings `to_copy` stay on one line, for other commands take them.
    """
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, no_wrap=heading in to_copy, overflow="fold")
    for row in rows:
        # Not markup: a reason may hold square brackets.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table if table.row_count else if_none)
