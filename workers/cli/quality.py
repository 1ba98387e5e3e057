"""`arrears quality`: hear calls again, judge them, and see what they came to."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated

import typer

from domain.errors import ArrearsError
from domain.quality import Mark, Result
from workers.cli.common import AsJson, day
from workers.cli.context import open_context
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import Table, print_json, print_lines, show
from workers.staff.call_results import read_results
from workers.staff.call_reviews import record_review
from workers.staff.call_samples import Pick, draw_sample
from workers.staff.score_sheets import SheetLine
from workers.workforce.training import SOON, TrainingDue, training_due

app = typer.Typer()

From = Annotated[date, day("The first day of the period.", "--from")]
To = Annotated[date, day("The last day of the period.", "--to")]
Sheet = Annotated[str, typer.Option(help="The score sheet, by its id.")]

PICKS = Table[Pick](
    "Calls to be heard",
    {
        "attempt": lambda pick: pick.attempt,
        "recording": lambda pick: pick.recording,
        "collector": lambda pick: pick.collector,
        "at": lambda pick: f"{pick.at:%Y-%m-%d %H:%M}",
        "because": lambda pick: [coded("drawn_because", why) for why in pick.because],
        "judged": lambda pick: pick.reviews,
    },
    if_none="No call with a recording was made in this period.",
)
FAILED = Table[SheetLine](
    "Failed",
    {
        "item": lambda each: each.item,
        "what": lambda each: each.text,
        "rules": lambda each: each.rules,
        "where it stands": lambda each: each.citations,
    },
)
_SHARES: dict[str, Callable[[Result], object]] = {
    "calls": lambda each: each.calls,
    "judged": lambda each: each.reviewed,
    "passed": lambda each: each.passed,
    "critical": lambda each: each.failed_critical,
    "reviews": lambda each: each.reviews,
    "of 100 pass": lambda each: f"{each.interval.low}-{each.interval.high}",
}
_NUMBERS = ("calls", "judged", "passed", "critical", "reviews")
OF_TEAMS = Table[Result]("By team", {"team": lambda each: each.name, **_SHARES}, right=_NUMBERS)
OF_COLLECTORS = Table[Result](
    "By collector",
    {
        "collector": lambda each: each.name,
        "team": lambda each: each.team or say("none"),
        **_SHARES,
    },
    if_none="Nobody made a call in this period.",
    right=_NUMBERS,
)
TRAINING = Table[TrainingDue](
    "Training due",
    {
        "staff": lambda each: each.staff,
        "roles": lambda each: [coded("role", role) for role in each.roles],
        "what": lambda each: each.certificate or say("yearly training"),
        "valid to": lambda each: each.last_day or say("none"),
    },
    if_none="No training and no certificate ends within these days.",
)


@app.command()
def sample(
    first: From,
    last: To,
    sheet: Sheet,
    team: Annotated[
        str | None, typer.Option(help="Only calls of this team, as it was then.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw the calls of a period that are to be heard again. Drawn again, they are the same."""
    ctx = open_context()
    drawn = draw_sample(ctx, first, last, sheet, team)
    if as_json:
        print_json(drawn)
        return
    print_lines(
        say(
            "{picks} of {calls} calls with a recording are to be heard; {without} had none.",
            picks=len(drawn.picks),
            calls=drawn.calls,
            without=drawn.without_recording,
        )
    )
    show(PICKS, drawn.picks, as_json=False)


@app.command()
def record(
    attempt: Annotated[str, typer.Argument(help="The id of the call's attempt.")],
    sheet: Sheet,
    mark: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM=MARK",
            help="How an item was met: pass, part, fail or not_applicable. One for each item.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record how you judged a call of somebody else.

    Exit code 1: the call did not pass.
    """
    ctx = open_context()
    language = "en" if as_json else language_of_environment()
    reviewed = record_review(ctx, attempt, sheet, _marks(mark or []), language)
    if as_json:
        print_json(reviewed)
    else:
        said = "The call {attempt} of {collector} passed, with {score} percent."
        if not reviewed.passed:
            said = "The call {attempt} of {collector} did not pass, with {score} percent."
        score = "-" if reviewed.score is None else reviewed.score
        print_lines(say(said, attempt=attempt, collector=reviewed.collector, score=score))
        if reviewed.failed:
            show(FAILED, reviewed.failed, as_json=False)
    if not reviewed.passed:
        raise typer.Exit(1)


def _marks(given: Sequence[str]) -> dict[str, Mark]:
    marks = {}
    for each in given:
        item, _, mark = each.partition("=")
        if mark not in set(Mark):
            raise ArrearsError(
                "{given} is no mark. Write ITEM=MARK, where the mark is pass, part, fail or "
                "not_applicable.",
                given=each,
            )
        marks[item] = Mark(mark)
    return marks


@app.command()
def results(first: From, last: To, as_json: AsJson = False) -> None:
    """Show what the calls of a period came to, by team and collector. It is no ranking.

    The last column says between which shares the true one lies: few calls say little.
    """
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_results(connection, ctx, first, last)
    if as_json:
        print_json(found)
        return
    if found.teams:
        show(OF_TEAMS, found.teams, as_json=False)
    show(OF_COLLECTORS, found.collectors, as_json=False)


@app.command()
def training(
    days: Annotated[int, typer.Option(help="Within how many days it ends.", min=0)] = SOON,
    as_json: AsJson = False,
) -> None:
    """List whose training or certificates end soon or are over, the soonest first."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = training_due(connection, ctx, days)
    show(TRAINING, found.rows, as_json=as_json)
