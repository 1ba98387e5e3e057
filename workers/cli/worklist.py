"""`arrears worklist`: calls, visits, legal files, approvals and replies that wait for people."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

import typer

from domain.currencies import decimal_string
from domain.errors import ArrearsError
from domain.hidden_amounts import HIDDEN
from workers.borrowers.reply_queue import ReplyToRead
from workers.calls.amounts import commands_show_amounts
from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, Limit, OfLoan, day
from workers.cli.context import open_context
from workers.cli.language import coded, language_of_environment, say, unit, words, zone_word
from workers.cli.render import Table, loans_named, print_json, print_lines, print_pages
from workers.db.pages import Asked
from workers.staff.work_items import ApprovalToGive, CallToMake, FileToBring, Kind, VisitToMake
from workers.staff.worklist import read_work

OF_ONE_PERSON = (Kind.CALLS, Kind.VISITS, Kind.REPLIES)
"""The kinds of work that are assigned to one member of staff."""


def worklist(
    kind: Annotated[Kind | None, typer.Option(help="Only this kind; all if left out.")] = None,
    staff: Annotated[
        str | None, typer.Option(help="Only the calls, visits and replies of this staff reference.")
    ] = None,
    on: Annotated[
        date | None, day("Calls that are open by the end of this day; today if left out.")
    ] = None,
    loan: OfLoan = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Show what waits for people: calls, visits, legal files, approvals, replies.

    It shows no personal data.
    """
    kinds = _asked(kind, staff)
    asked = Asked(limit, after, loan=loan)
    ctx = open_context()
    until = on or ctx.today()
    with ctx.engine.connect() as connection:
        language = "en" if as_json else language_of_environment()
        found = read_work(connection, ctx, until, kinds, staff, asked, language=language)
        amounts_shown = commands_show_amounts(connection, ctx, loan)
    if as_json:
        shown = {kind: getattr(found, kind) for kind in kinds if asked.reads(kind)}
        if not amounts_shown and Kind.FILES in shown:
            files = shown[Kind.FILES]
            shown[Kind.FILES] = replace(files, rows=tuple(map(_without_claim, files.rows)))
        print_json(shown)
        return
    print_lines(
        say(
            "Work on business date {until}; times of {zone}",
            until=until,
            zone=zone_word(ctx.settings.zone),
        )
    )
    tables = TABLES if amounts_shown else TABLES | {Kind.FILES: FILES_WITHOUT_AMOUNTS}
    print_pages(*((tables[kind], getattr(found, kind)) for kind in kinds if asked.reads(kind)))


def _asked(kind: Kind | None, staff: str | None) -> Sequence[Kind]:
    if staff is None:
        return (kind,) if kind else tuple(Kind)
    if kind and kind not in OF_ONE_PERSON:
        raise ArrearsError(
            say(
                "The {kind} are nobody's in particular. Leave out --staff, or ask for its {kinds}.",
                kind=kind,
                kinds=say(" or ").join(OF_ONE_PERSON),
            )
        )
    return (kind,) if kind else OF_ONE_PERSON


def _for_whom(work: CallToMake | VisitToMake) -> str:
    return f"{coded('party', work.party)}\n{work.record}"


def _what_for(call: CallToMake) -> str:
    lines = [say(purpose) for purpose in (call.purpose, *call.other_purposes)]
    if call.must_learn:
        lines.append(say("must learn: {topics}", topics=words("topics", call.must_learn)))
    if call.started_as:
        lines.append(say("started as {attempt}: say what came of it", attempt=call.started_as))
    elif call.tries:
        lines.append(say("started before: {tries} times", tries=call.tries))
    if call.callback_at:
        at = f"{call.callback_at:%Y-%m-%d %H:%M}"
        lines.append(say("call back at {at}, not before", at=at))
    if call.may_offer:
        lines.append(say("may offer: {offers}", offers=words("offers", call.may_offer)))
    return "\n".join(lines)


def _when(visit: VisitToMake) -> str:
    hours = f"{visit.starts_at:%Y-%m-%d %H:%M}-{visit.ends_at:%H:%M}"
    if visit.started:
        return f"{hours}\n{say('started: say what came of it')}"
    return hours if visit.notice_printed_at else f"{hours}\n{say('notice still to be printed')}"


def _there(visit: VisitToMake) -> str:
    """The visitors' own clocks."""
    return (
        f"{zone_word(visit.zone)}: {visit.local_starts_at:%m-%d %H:%M}-{visit.local_ends_at:%H:%M}"
    )


def _claim(file: FileToBring) -> str:
    return say(
        "principal {principal}\ninterest {interest}\nfees {fees} {currency}",
        principal=decimal_string(file.principal, file.currency),
        interest=decimal_string(file.interest, file.currency),
        fees=decimal_string(file.fees, file.currency),
        currency=unit(file.currency),
    )


def _without_claim(file: FileToBring) -> dict[str, object]:
    """A file for who may not see what the loan owes."""
    amounts = {"principal", "interest", "fees"}
    return {name: value for name, value in asdict(file).items() if name not in amounts}


def _files(claim: Callable[[FileToBring], str]) -> Table[FileToBring]:
    return Table[FileToBring](
        "Legal files",
        {
            "loan": lambda file: file.loan,
            "claim": claim,
            "bring it by": lambda file: file.limitation_on or say("not known"),
            "still missing": lambda file: (
                [f"- {text}" for text in file.missing.values()] or say("nothing")
            ),
        },
        if_none="There are no open legal files.",
    )


FILES_WITHOUT_AMOUNTS = _files(lambda file: HIDDEN)
TABLES: dict[Kind, Table[Any]] = {
    Kind.CALLS: Table[CallToMake](
        "Calls",
        {
            "who": lambda call: call.staff,
            "loan": lambda call: loans_named(call.loan, call.other_loans),
            "for whom": _for_whom,
            "language": lambda call: call.language,
            "what for": _what_for,
        },
        if_none="There are no calls to make.",
    ),
    Kind.VISITS: Table[VisitToMake](
        "Visits",
        {
            "when": lambda visit: f"{_when(visit)}\n{_there(visit)}",
            "who": lambda visit: visit.staff,
            "loan": lambda visit: visit.loan,
            "for whom": _for_whom,
            "what for": lambda visit: say(visit.purpose),
        },
        if_none="There are no visits to make.",
    ),
    Kind.FILES: _files(_claim),
    Kind.APPROVALS: Table[ApprovalToGive](
        "Waiting for approval",
        {
            "loan": lambda approval: approval.loan,
            "item": lambda approval: approval.item,
            "by a": lambda approval: coded("role", approval.role),
            "since": lambda approval: approval.waits_since,
        },
        if_none="Nothing waits for approval.",
    ),
    Kind.REPLIES: Table[ReplyToRead](
        "Replies",
        {
            "reply": lambda reply: reply.reply,
            "who": lambda reply: reply.staff or say("nobody yet"),
            "loan": lambda reply: reply.loan or say("not known"),
            "language": lambda reply: reply.language or say("not known"),
            "since": lambda reply: reply.received_at,
        },
        if_none="No reply waits to be read.",
        one_line=("reply",),
    ),
}
