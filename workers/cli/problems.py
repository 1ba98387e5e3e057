"""`arrears problems`: what a person must correct, and closing it."""

from typing import Annotated, Any

import typer

from domain.actions import ActionStatus
from domain.compliance.vocabulary import Party
from workers.actions.dead_letters import StuckActions
from workers.cli.common import (
    ROWS_OF_A_PAGE,
    After,
    AsJson,
    DryRun,
    Limit,
    Loan,
    OfLoan,
    Why,
    parse_id,
)
from workers.cli.context import open_context
from workers.cli.language import coded, say
from workers.cli.render import Table, print_done, print_json, print_lines, print_pages
from workers.db.pages import Asked
from workers.operations.calendars import EndingCalendar
from workers.operations.problems import (
    OpenProblem,
    UnappliedEvent,
    UnreadReply,
    asked_lists,
    read_problems,
    resolve_problem,
)
from workers.operations.record_links import RecordLink
from workers.tapes.imports import UnfinishedImport

app = typer.Typer()


def _loan_and_record(problem: OpenProblem) -> str:
    """The loan, and below it whose problem it is, where it is not the borrower's."""
    if problem.role == Party.BORROWER:
        return problem.loan
    role = coded("party", problem.role)
    return f"{problem.loan}\n" + say("{role} {record}", role=role, record=problem.borrower)


PROBLEMS = Table[OpenProblem](
    "Open problems",
    {
        "loan": lambda problem: _loan_and_record(problem),
        "kind": lambda problem: coded("problem", problem.kind),
        "what is wrong": lambda problem: problem.detail,
        "since": lambda problem: problem.since,
    },
    if_none="There are no open problems.",
    kinds="problem",
)
REPLIES = Table[UnreadReply](
    "Replies to be read: no text goes to their numbers before",
    {
        "reply": lambda reply: reply.reply,
        "loan": lambda reply: reply.loan or say("not known"),
        "since": lambda reply: reply.since,
        "read it by": lambda reply: reply.read_by,
    },
    if_none="No reply waits to be read.",
)
EVENTS = Table[UnappliedEvent](
    "Events not applied",
    {
        "event": lambda event: event.event,
        "kind": lambda event: coded("event_kind", event.kind),
        "is": lambda event: say("rejected") if event.status == "rejected" else say("waiting"),
        "why": lambda event: event.reason or say("not tried yet"),
        "since": lambda event: event.since,
    },
    if_none="All events were applied.",
    kinds="event_kind",
)
PERSONS = Table[RecordLink](
    "Records that count as one person until somebody confirms or parts them",
    {
        "borrower": lambda link: link.borrower,
        "other": lambda link: link.other,
        "why": lambda link: link.reason,
        "since": lambda link: link.since,
        "type": lambda link: f"arrears person confirm {link.borrower} {link.other}",
    },
    if_none="No records wait to be confirmed as one person.",
    one_line=("type",),
)
CALENDARS = Table[EndingCalendar](
    "Calendars that end",
    {
        "country": lambda calendar: calendar.country,
        "known until": lambda calendar: calendar.known_until,
        "what to do": lambda calendar: calendar.detail,
    },
    if_none="No calendar ends soon.",
)
IMPORTS = Table[UnfinishedImport](
    "Imports of tapes that were interrupted",
    {
        "number": lambda left: left.number,
        "tape": lambda left: left.file,
        "as of": lambda left: left.as_of,
        "since": lambda left: left.since,
        "what to do": lambda _: say("import the same tape again"),
        "or type": lambda left: f"arrears tape abandon {left.number}",
    },
    if_none="No import was interrupted.",
    one_line=("or type",),
)
ACTIONS = Table[StuckActions](
    "Actions that fail or were given up",
    {
        "are": lambda action: say("dead") if action.status == ActionStatus.DEAD else say("failing"),
        "how many": lambda action: action.count,
        "why": lambda action: action.reason,
        "newest": lambda action: (
            say("{item} of loan {loan}", item=action.item, loan=action.loan)
            + f", {action.since:%Y-%m-%d %H:%M}"
        ),
        "type": lambda action: action.command,
    },
    if_none="No action fails or was given up.",
    kinds="status",
    one_line=("type",),
)


TABLES: dict[str, Table[Any]] = {
    "loans": PROBLEMS,
    "replies": REPLIES,
    "events": EVENTS,
    "actions": ACTIONS,
    "persons": PERSONS,
    "calendars": CALENDARS,
    "imports": IMPORTS,
}


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Option(
            help="A kind of problem or of event, or loans, replies, events, actions, persons, "
            "calendars or imports."
        ),
    ] = None,
    loan: OfLoan = None,
    borrower: Annotated[
        str | None,
        typer.Option(
            parser=parse_id, metavar="BORROWER", help="Only what is about this customer record."
        ),
    ] = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List what a person must correct: loans, replies, events not applied, actions that fail."""
    asked = Asked(limit, after, kind, loan, borrower)
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_problems(connection, ctx, asked)
    if as_json:
        print_json(found)
        return
    pages = [(TABLES[name], getattr(found, name)) for name in asked_lists(asked)]
    if kind is not None and kind not in TABLES:
        pages = [(table, page) for table, page in pages if page.total]
    if not pages:
        print_lines(
            say(
                "Nothing of the kind {kind} is open. `arrears problems list` shows which kinds "
                "are.",
                kind=kind,
            )
        )
    print_pages(*pages)


@app.command()
def resolve(
    loan: Loan,
    kind: Annotated[str, typer.Argument(help="Its kind, as `arrears problems list` shows it.")],
    why: Why,
    borrower: Annotated[
        str | None,
        typer.Option(parser=parse_id, metavar="BORROWER", help="Whose it is, if several have one."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Close a problem of a loan that was corrected. It returns if its cause does."""
    ctx = open_context()
    resolve_problem(ctx, loan, kind, why=why, record=borrower, dry_run=dry_run)
    print_done(
        say("The problem {kind} of loan {loan} is resolved.", kind=kind, loan=loan), dry_run=dry_run
    )
