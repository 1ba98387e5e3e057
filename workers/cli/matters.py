"""What `arrears dispute` and `arrears complaint` have in common: list, show, handle, decide."""

from datetime import datetime
from typing import Annotated, Any

import typer

from domain.currencies import decimal_string
from domain.disputes import RESOLVED, Finding, Matter, MatterStatus, findings_for
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.reasons import Reasons
from workers.cli.common import (
    ROWS_OF_A_PAGE,
    After,
    AsJson,
    Limit,
    OfLoan,
    WhoseId,
    Why,
    log_to_stderr,
    parse_id,
)
from workers.cli.context import event_of, open_context, submit, whose
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import Table, print_json, print_lines, print_pages
from workers.db.pages import Asked
from workers.hardship import handling
from workers.hardship.answer_letters import open_answer
from workers.hardship.corrections import Correction, correct
from workers.hardship.matter_lists import ListedMatter, ShownMatter, read_matter, read_matters

Id = Annotated[str, typer.Argument(parser=parse_id, metavar="ID", help="The lender's id of it.")]
OUTCOMES = tuple(status for status in MatterStatus if status in RESOLVED)
Outcome = Annotated[str, typer.Argument(metavar="OUTCOME", help=f"One of {', '.join(OUTCOMES)}.")]
FindingOption = Annotated[
    str, typer.Option("--finding", help=f"Why it was decided so: one of {', '.join(Finding)}.")
]

TITLES = {
    Matter.DISPUTE: "Disputes, by their clock",
    Matter.COMPLAINT: "Complaints, by their clock",
}


def _table(matter: Matter) -> Table[ListedMatter]:
    about = {"about": lambda row: row.about_staff} if matter is Matter.COMPLAINT else {}
    columns: dict[str, Any] = {
        "id": lambda row: row.id,
        "loan": lambda row: row.loan,
        "kind": lambda row: coded("matter_kind", row.kind),
        "status": lambda row: coded("matter_status", row.status),
        "clock": lambda row: coded("clock", row.clock),
        "due before": lambda row: row.due_by,
        "handled by": lambda row: row.handler,
        **about,
    }
    return Table[ListedMatter](
        TITLES[matter], columns, if_none="None is open.", one_line=("id", "loan")
    )


def add_commands(app: typer.Typer, matter: Matter) -> None:
    """Add to a noun the commands that disputes and complaints have in common."""

    @app.command("list")
    def list_(
        loan: OfLoan = None,
        also_over: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
        limit: Limit = ROWS_OF_A_PAGE,
        after: After = None,
        as_json: AsJson = False,
    ) -> None:
        """List those that are open by their clock: what is late, or late soonest, comes first."""
        ctx = open_context()
        asked = Asked(limit, after, loan=loan)
        with ctx.engine.connect() as connection:
            found = read_matters(connection, ctx, matter, asked, also_over=also_over)
        if as_json:
            print_json(found)
        else:
            print_pages((_table(matter), found))

    @app.command()
    def show(id: Id, sender: WhoseId = None, as_json: AsJson = False) -> None:
        """Show one, with what people wrote about it, which is personal data."""
        ctx = open_context()
        with ctx.engine.connect() as connection:
            shown = read_matter(
                connection, ctx, matter, id, sender=sender, language=language_of_environment()
            )
        if as_json:
            print_json(shown)
        else:
            print_lines(*_lines(shown))

    @app.command()
    def acknowledge(id: Id, sender: WhoseId = None) -> None:
        """Note that the person was told that it is being dealt with."""
        _say(handling.acknowledge(open_context(), matter, id, sender=sender))

    @app.command()
    def take(id: Id, sender: WhoseId = None) -> None:
        """Take one to handle it, or take it over. Nobody takes what is about them."""
        _say(handling.take(open_context(), matter, id, sender=sender))

    @app.command()
    def extend(id: Id, why: Why, sender: WhoseId = None) -> None:
        """Make the time to answer longer, as far as the law allows; a second person grants it."""
        _say(handling.extend(open_context(), matter, id, why, sender=sender))

    @app.command()
    def letter(id: Id, sender: WhoseId = None) -> None:
        """Print the letter that answers it. It is personal data: the access is logged."""
        log_to_stderr("workers.hardship.answer_letters")
        print(open_answer(open_context(), matter, id, sender=sender).body)


def correct_matter(matter: Matter, id: str, right: Correction, sender: str | None) -> None:
    """Correct one that is open, and say what came of it."""
    _say(correct(open_context(), matter, id, right, sender=sender))


def submit_resolution(
    matter: Matter,
    id: str,
    outcome: str,
    finding: str,
    why: str | None,
    sender: str | None,
    **own: str | None,
) -> None:
    """Decide one: its hold ends, and the letter that answers is written.

    Raises:
        ArrearsError: there is no such outcome or finding.
    """
    if outcome not in OUTCOMES:
        raise ArrearsError(
            say(
                "{outcome} is no outcome. Write one of {known}.",
                outcome=outcome,
                known=", ".join(OUTCOMES),
            )
        )
    if finding not in set(Finding):  # whether it fits its kind too is known where it is decided
        fitting = sorted(findings_for(matter, "", MatterStatus(outcome)))
        raise ArrearsError(
            say(
                "There is no finding {finding}. If it is {outcome}, write one of {known}.",
                finding=finding,
                outcome=outcome,
                known=", ".join(fitting),
            )
        )
    payload = {
        str(matter): id,
        "outcome": outcome,
        "finding": finding,
        **({"why": why} if why else {}),
        **{name: value for name, value in own.items() if value is not None},
        **whose(sender),
    }
    submit(open_context(), f"{matter}_resolution", event_of(id, sender), payload)


def _say(reasons: Reasons) -> None:
    print_lines(speak(reasons, language_of_environment()))


def _lines(shown: ShownMatter) -> list[str]:
    """One line for each thing that is known."""
    known: list[tuple[str, Any]] = [
        ("loan", shown.loan),
        ("raised by", f"{shown.borrower} ({coded('raised_by', shown.raised_by)})"),
        ("kind", coded("matter_kind", shown.kind)),
        ("status", coded("matter_status", shown.status)),
        ("came in", shown.received_at),
        ("about", shown.about_staff),
        ("contact in question", shown.attempt),
        ("amount in dispute", decimal_string(shown.amount) if shown.amount is not None else None),
        ("what was said", shown.why),
        ("written down by", shown.actor),
        ("to be acknowledged before", shown.acknowledge_by),
        ("acknowledged", shown.acknowledged_at),
        ("to be answered before", shown.answer_by),
        ("clock", coded("clock", shown.clock) if shown.resolved_at is None else None),
        ("by the rules", ", ".join(shown.rules)),
        ("handled by", shown.handler),
        ("decided", shown.resolved_at),
        ("decided by", shown.resolved_by),
        ("finding", coded("finding", shown.finding) if shown.finding else None),
        ("corrected by", shown.corrected_by),
        ("what was found", shown.finding_why),
        ("letter printed", shown.letter_printed_at),
    ]
    return [f"{say(name)}: {_as_text(value)}" for name, value in known if value]


def _as_text(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
