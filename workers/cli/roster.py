"""`arrears roster`: the staff who call, visit and approve, and their shifts."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from domain.second_person_text import FACTS
from domain.staffing import AbsenceKind
from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, DryRun, Limit, day
from workers.cli.context import open_context, submit
from workers.cli.dates import parse_moment
from workers.cli.language import coded, say
from workers.cli.render import Table, print_done, print_lines, show_page
from workers.db.pages import Asked
from workers.staff.roster import RosterEntry, list_roster, load_roster
from workers.workforce.absences import hand_on_all

app = typer.Typer()

STAFF = Table[RosterEntry](
    "Staff",
    {
        "staff": lambda entry: entry.staff,
        "roles": lambda entry: [coded("role", role) for role in entry.roles],
        "languages": lambda entry: entry.languages,
        "team": lambda entry: entry.team or say("none"),
        "skills": lambda entry: entry.skills,
        "regions": lambda entry: entry.regions,
        "a day": lambda entry: entry.daily_capacity,
        "minutes a day": lambda entry: entry.minutes_a_day,
        "trained on": lambda entry: entry.trained_on,
        "certificates": lambda entry: entry.certificates,
        "must not handle": lambda entry: entry.must_not_handle,
        "next shift": lambda entry: entry.next_shift_at or say("none"),
        "absent": lambda entry: (
            (entry.absent_until or say("until further notice")) if entry.absent else say("no")
        ),
        "left on": lambda entry: entry.left_on,
    },
    if_none="Nobody is on the roster.",
    one_line=("staff",),
)


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="The staff and their weekly shifts, in YAML.")],
    starts_on: Annotated[date | None, day("The first day of shifts; today if left out.")] = None,
    days: Annotated[int, typer.Option(help="For how many days to write shifts.", min=1)] = 28,
    dry_run: DryRun = False,
) -> None:
    """Load the staff and their shifts. The same roster twice changes nothing."""
    ctx = open_context()
    first = starts_on or ctx.today()
    done = load_roster(ctx, file, first, days, dry_run=dry_run)
    for member, changes in done.changes.items() if dry_run else ():
        for name, change in changes.items():
            what = FACTS.get(name, name)
            print_lines(say("{staff}, {what}: {change}.", staff=member, what=what, change=change))
    if dry_run and not done.changes:
        print_lines(say("Nothing that is on record of these people changes."))
    print_done(
        say(
            "{staff} people and {shifts} shifts are stored, from {first} on.",
            staff=done.staff,
            shifts=done.shifts,
            first=first,
        ),
        dry_run=dry_run,
    )


@app.command("list")
def list_(limit: Limit = ROWS_OF_A_PAGE, after: After = None, as_json: AsJson = False) -> None:
    """List the staff: roles, languages, regions, daily capacity and the next shift."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = list_roster(connection, ctx, Asked(limit, after))
    show_page(STAFF, found, as_json=as_json)


Staff = Annotated[str, typer.Argument(help="Their number on the lender's own list.")]


@app.command()
def absent(
    staff: Staff,
    since: Annotated[
        str | None, typer.Option("--from", help="Since when, as 2026-03-02 12:00; now if left out.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Until when, as 2026-03-04 or 2026-03-02 17:00; open if left out."),
    ] = None,
    kind: Annotated[AbsenceKind, typer.Option(help="Why.")] = AbsenceKind.ILLNESS,
) -> None:
    """Somebody does not work, or has left: others get their open calls and visits at once."""
    ctx = open_context()
    zone = ctx.settings.lender_zone
    at = parse_moment(since, zone) if since else ctx.now()
    ends = parse_moment(until, zone, whole_day=True) if until else None
    payload = {"staff": staff, "at": at.isoformat()}
    event = f"{staff}:{ctx.now().isoformat()}"
    if kind is AbsenceKind.LEFT:
        submit(ctx, "staff_left", event, payload)
        return
    payload |= {"kind": kind}
    submit(ctx, "staff_absent", event, payload | {"until": ends.isoformat() if ends else None})


@app.command()
def back(staff: Staff) -> None:
    """Somebody who was absent works again from now on."""
    ctx = open_context()
    submit(ctx, "staff_back", f"{staff}:{ctx.now().isoformat()}", {"staff": staff})


@app.command("hand-on")
def hand_on(staff: Staff) -> None:
    """Give all open calls of somebody to others, whatever the roster says."""
    done = hand_on_all(open_context(), staff)
    print_lines(
        say(
            "{calls} calls and {visits} visits of {staff} are planned again.",
            calls=done.calls,
            visits=done.visits,
            staff=staff,
        )
    )
