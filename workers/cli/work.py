"""Commands for the people who act: `work`, `letter`, `problems`, `resume`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from domain.errors import ArrearsError
from workers.cli.common import console, errors, open_house
from workers.letters import open_letter
from workers.open_problems import Problems, read_problems
from workers.resuming import resume as resume_action
from workers.worklist import FileToBring, Kind, VisitToMake, WorkList, read_work

OF_ONE_PERSON = (Kind.CALLS, Kind.VISITS)
"""The work that is assigned to somebody by number."""

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def work(
    kind: Annotated[Kind | None, typer.Option(help="Only this kind; all if left out.")] = None,
    staff: Annotated[
        str | None, typer.Option(help="Only the calls and visits of this staff reference.")
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Calls of this day, and visits from then on; today if left out.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is prepared for people: calls, visits, legal files, approvals. No personal data."""
    kinds = _asked(kind, staff)
    house = open_house()
    day = on.date() if on else house.today()
    with house.engine.connect() as connection:
        found = read_work(connection, house, day, kinds, staff)
    if as_json:
        prepared = asdict(found)
        console.print_json(data={one: prepared[one] for one in kinds}, default=str)
        return
    console.print(Text(f"Work on business date {day}; times of {house.settings.zone}"))
    for one in kinds:
        _show_work(one, found)


def letter(
    loan: Annotated[str, typer.Argument(help="The lender's id of the loan.")],
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
) -> None:
    """Print the letter that was written for a loan. It holds personal data; each look is logged."""
    # To stderr, where the log of an installation is collected: paper gets the letter alone.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("workers.letters").setLevel(logging.INFO)
    found = open_letter(open_house(), loan, item)
    print(found.body)
    if not found.still_due:
        errors.print(
            "Do not post this letter: what it is about has been paid, or other arrears took its "
            "place."
        )


def problems(as_json: AsJson = False) -> None:
    """Show what is to be put right: defects of loans, and events that were not applied."""
    house = open_house()
    with house.engine.connect() as connection:
        found = read_problems(connection, house.settings.lender_zone)
    if as_json:
        console.print_json(data=asdict(found), default=str)
        return
    _show_problems(found)


def resume(
    loan: Annotated[str, typer.Argument(help="The lender's id of the loan.")],
    item: Annotated[str, typer.Argument(help="The ladder item, such as text_day_1.")],
    by: Annotated[str, typer.Option(help="The staff reference of whoever resumes it.")],
) -> None:
    """Let an action that was given up go again."""
    resume_action(open_house(), loan, item, by=by)
    console.print(Text(f"{item} for loan {loan} is planned again, and due now."))


def _asked(kind: Kind | None, staff: str | None) -> Sequence[Kind]:
    if staff is None:
        return (kind,) if kind else tuple(Kind)
    if kind and kind not in OF_ONE_PERSON:
        raise ArrearsError(
            f"The {kind} are nobody's in particular. Leave out --staff, or ask for its "
            f"{' or '.join(OF_ONE_PERSON)}."
        )
    return (kind,) if kind else OF_ONE_PERSON


def _show_work(kind: Kind, found: WorkList) -> None:
    match kind:
        case Kind.CALLS:
            _table(
                "Calls",
                ("who", "loan", "purpose", "must learn", "may offer", "language"),
                [
                    (
                        one.staff,
                        one.loan,
                        one.purpose,
                        ", ".join(one.must_learn),
                        ", ".join(one.may_offer),
                        one.language,
                    )
                    for one in found.calls
                ],
                "There are no calls to make.",
            )
        case Kind.VISITS:
            _table(
                "Visits",
                ("lender's time", "borrower's time", "who", "loan", "purpose"),
                [
                    (_when(one), _there(one), ", ".join(one.staff), one.loan, one.purpose)
                    for one in found.visits
                ],
                "There are no visits to make.",
            )
        case Kind.FILES:
            _table(
                "Legal files",
                ("loan", "claim", "bring it by", "still missing"),
                [
                    (
                        one.loan,
                        _claim(one),
                        str(one.limitation_on or "not known"),
                        "\n".join(f"- {text}" for text in one.missing.values()) or "nothing",
                    )
                    for one in found.files
                ],
                "There are no open legal files.",
            )
        case Kind.APPROVALS:
            _table(
                "Waiting for approval",
                ("loan", "item", "by a", "since"),
                [
                    (one.loan, one.item, one.role, f"{one.waits_since:%Y-%m-%d %H:%M}")
                    for one in found.approvals
                ],
                "Nothing waits for approval.",
            )


def _when(one: VisitToMake) -> str:
    return f"{one.starts_at:%Y-%m-%d %H:%M}-{one.ends_at:%H:%M}"


def _there(one: VisitToMake) -> str:
    return f"{one.local_starts_at:%Y-%m-%d %H:%M}-{one.local_ends_at:%H:%M} {one.zone}"


def _claim(one: FileToBring) -> str:
    return (
        f"principal {one.principal:.2f}\ninterest {one.interest:.2f}\n"
        f"fees {one.fees:.2f} {one.currency}"
    )


def _show_problems(found: Problems) -> None:
    _table(
        "Open problems",
        ("loan", "kind", "what is wrong", "since"),
        [(one.loan, one.kind, one.detail, f"{one.since:%Y-%m-%d %H:%M}") for one in found.loans],
        "There are no open problems.",
    )
    _table(
        "Events not applied",
        ("event", "kind", "is", "why", "since"),
        [
            (
                one.event,
                one.kind,
                "rejected" if one.status == "rejected" else "waiting",
                one.reason or "not tried yet",
                f"{one.since:%Y-%m-%d %H:%M}",
            )
            for one in found.events
        ],
        "All events were applied.",
    )


def _table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], if_none: str
) -> None:
    """The rows under their title and headings, or a sentence where there are none."""
    table = Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD)
    for row in rows:
        # Not markup: a reason may hold square brackets.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table if table.row_count else if_none)
