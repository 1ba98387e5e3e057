"""`arrears roster`: the staff who call, visit and approve, and their shifts."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, Limit, day
from workers.cli.context import open_context
from workers.cli.language import coded, say
from workers.cli.render import Table, print_lines, show_page
from workers.db.pages import Asked
from workers.staff.roster import RosterEntry, list_roster, load_roster

app = typer.Typer()

STAFF = Table[RosterEntry](
    "Staff",
    {
        "staff": lambda entry: entry.staff,
        "roles": lambda entry: [coded("role", role) for role in entry.roles],
        "languages": lambda entry: entry.languages,
        "regions": lambda entry: entry.regions,
        "a day": lambda entry: entry.daily_capacity,
        "next shift": lambda entry: entry.next_shift_at or say("none"),
    },
    if_none="Nobody is on the roster.",
    one_line=("staff",),
)


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="The staff and their weekly shifts, in YAML.")],
    starts_on: Annotated[date | None, day("The first day of shifts; today if left out.")] = None,
    days: Annotated[int, typer.Option(help="For how many days to write shifts.", min=1)] = 28,
) -> None:
    """Load the staff and their shifts. The same roster twice changes nothing."""
    ctx = open_context()
    first = starts_on or ctx.today()
    done = load_roster(ctx, file, first, days)
    print_lines(
        say(
            "{staff} people and {shifts} shifts are stored, from {first} on.",
            staff=done.staff,
            shifts=done.shifts,
            first=first,
        )
    )


@app.command("list")
def list_(limit: Limit = ROWS_OF_A_PAGE, after: After = None, as_json: AsJson = False) -> None:
    """List the staff: roles, languages, regions, daily capacity and the next shift."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = list_roster(connection, ctx, Asked(limit, after))
    show_page(STAFF, found, as_json=as_json)
