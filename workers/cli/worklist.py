"""Commands for the people who act: `work`, `letter`, `problems`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from rich.text import Text

from domain.actions import ActionStatus
from domain.actors import Actor
from domain.errors import ArrearsError
from workers.cli.common import AsJson, Loan, by, console, errors, open_context, show_table
from workers.cli.dates import a_day
from workers.operations.problems import Problems, read_problems
from workers.staff.worklist import CallToMake, FileToBring, Kind, VisitToMake, WorkList, read_work
from workers.visits.letters import open_letter

OF_ONE_PERSON = (Kind.CALLS, Kind.VISITS, Kind.REPLIES)
"""The work that is assigned to somebody by number."""


def work(
    kind: Annotated[Kind | None, typer.Option(help="Only this kind; all if left out.")] = None,
    staff: Annotated[
        str | None, typer.Option(help="Only the calls, visits and replies of this staff reference.")
    ] = None,
    on: Annotated[
        date | None,
        typer.Option(
            parser=a_day,
            metavar="DAY",
            help="Calls that are open by the end of this day; today if left out.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is prepared: calls, visits, legal files, approvals, replies. No personal data."""
    kinds = _asked(kind, staff)
    ctx = open_context()
    day = on or ctx.today()
    with ctx.engine.connect() as connection:
        found = read_work(connection, ctx, day, kinds, staff)
    if as_json:
        prepared = asdict(found)
        console.print_json(
            data={each_kind: prepared[each_kind] for each_kind in kinds}, default=str
        )
        return
    console.print(Text(f"Work on business date {day}; times of {ctx.settings.zone}"))
    for each_kind in kinds:
        _show_work(each_kind, found)


def letter(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item it was written for; the newest if left out.")
    ] = None,
    *,
    actor: Annotated[Actor, by("The staff reference of whoever prints it.")],
) -> None:
    """Print the letter that was written for a loan. It holds personal data: each look is noted."""
    # To stderr, where the log of an installation is collected: paper gets the letter alone.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("workers.visits.letters").setLevel(logging.INFO)
    found = open_letter(open_context(), loan, item, actor=actor)
    print(found.body)
    if not found.still_due:
        errors.print(
            "Do not post this letter: what it is about has been paid, or other arrears took its "
            "place."
        )


def problems(as_json: AsJson = False) -> None:
    """Show what is to be put right: defects of loans, events not applied, actions that fail."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_problems(connection, ctx.settings.lender_zone)
    if as_json:
        console.print_json(data=asdict(found), default=str)
        return
    _show_problems(found)


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
            show_table(
                "Calls",
                ("who", "loan", "language", "what for"),
                [(call.staff, call.loan, call.language, _what_for(call)) for call in found.calls],
                "There are no calls to make.",
            )
        case Kind.VISITS:
            show_table(
                "Visits",
                ("when", "who", "loan", "what for"),
                [
                    (
                        f"{_when(visit)}\n{_there(visit)}",
                        "\n".join(visit.staff),
                        visit.loan,
                        visit.purpose,
                    )
                    for visit in found.visits
                ],
                "There are no visits to make.",
            )
        case Kind.FILES:
            show_table(
                "Legal files",
                ("loan", "claim", "bring it by", "still missing"),
                [
                    (
                        file.loan,
                        _claim(file),
                        str(file.limitation_on or "not known"),
                        "\n".join(f"- {text}" for text in file.missing.values()) or "nothing",
                    )
                    for file in found.files
                ],
                "There are no open legal files.",
            )
        case Kind.APPROVALS:
            show_table(
                "Waiting for approval",
                ("loan", "item", "by a", "since"),
                [
                    (
                        approval.loan,
                        approval.item,
                        approval.role,
                        f"{approval.waits_since:%Y-%m-%d %H:%M}",
                    )
                    for approval in found.approvals
                ],
                "Nothing waits for approval.",
            )
        case Kind.REPLIES:
            show_table(
                "Replies",
                ("reply", "who", "loan", "language", "since"),
                [
                    (
                        str(reply.reply),
                        reply.staff or "nobody yet",
                        reply.loan or "not known",
                        reply.language or "not known",
                        f"{reply.received_at:%Y-%m-%d %H:%M}",
                    )
                    for reply in found.replies
                ],
                "No reply waits to be read.",
                to_copy=("reply",),
            )


def _what_for(make: CallToMake) -> str:
    lines = [make.purpose]
    if make.must_learn:
        lines.append(f"must learn: {', '.join(make.must_learn)}")
    if make.begun_as:
        lines.append(f"begun as {make.begun_as}: say what came of it")
    elif make.tries:
        lines.append(f"begun {make.tries} time{'s' if make.tries > 1 else ''} already")
    if make.may_offer:
        lines.append(f"may offer: {', '.join(make.may_offer)}")
    return "\n".join(lines)


def _when(make: VisitToMake) -> str:
    hours = f"{make.starts_at:%Y-%m-%d %H:%M}-{make.ends_at:%H:%M}"
    return f"{hours}\nbegun: say what came of it" if make.begun else hours


def _there(make: VisitToMake) -> str:
    """The visitors' own clocks."""
    return f"{make.zone}: {make.local_starts_at:%m-%d %H:%M}-{make.local_ends_at:%H:%M}"


def _claim(bring: FileToBring) -> str:
    return (
        f"principal {bring.principal:.2f}\ninterest {bring.interest:.2f}\n"
        f"fees {bring.fees:.2f} {bring.currency}"
    )


def _show_problems(found: Problems) -> None:
    show_table(
        "Open problems",
        ("loan", "kind", "what is wrong", "since"),
        [
            (loan.loan, loan.kind, loan.detail, f"{loan.since:%Y-%m-%d %H:%M}")
            for loan in found.loans
        ],
        "There are no open problems.",
    )
    show_table(
        "Events not applied",
        ("event", "kind", "is", "why", "since"),
        [
            (
                event.event,
                event.kind,
                "rejected" if event.status == "rejected" else "waiting",
                event.reason or "not tried yet",
                f"{event.since:%Y-%m-%d %H:%M}",
            )
            for event in found.events
        ],
        "All events were applied.",
    )
    show_table(
        "Actions that fail or were given up",
        ("are", "how many", "why", "newest", "type"),
        [
            (
                "dead" if action.status == ActionStatus.DEAD else "failing",
                str(action.count),
                action.reason,
                f"{action.item} of loan {action.loan}, {action.since:%Y-%m-%d %H:%M}",
                action.command,
            )
            for action in found.actions
        ],
        "No action fails or was given up.",
        to_copy=("type",),
    )
