"""`arrears explain`: the history of one loan."""

from datetime import UTC
from typing import Annotated

import typer

from domain.language.phrases import Phrase
from domain.language.render import Entry, Sentence, part, render
from domain.language.speak import LANGUAGES
from domain.reason_json import reasons_as_json
from workers.calls.amounts import commands_show_amounts
from workers.cli.common import AsJson, Loan
from workers.cli.context import open_context
from workers.cli.dates import parse_moment
from workers.cli.language import Language, language_of_environment
from workers.cli.render import print_json, print_lines
from workers.cli.story import print_story
from workers.history import loan_history


def explain(
    loan: Loan,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help='Only what had happened by then, such as "2026-03-01 21:30"; a day without a time '
            "counts to its end; all if left out.",
        ),
    ] = None,
    language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Show what was done about a loan, when and why, and what was not done. No personal data.

    A collector or a visitor sees amounts once they have confirmed the person today.
    """
    language = language or language_of_environment()
    ctx = open_context()
    moment = parse_moment(at, ctx.settings.lender_zone, whole_day=True) if at else None
    with ctx.engine.connect() as connection:
        story = loan_history(
            connection,
            ctx,
            loan,
            at=moment,
            language=language,
            amounts_shown=commands_show_amounts(connection, ctx, loan),
        )
    if as_json:
        print_json([_plain(sentence) for sentence in story])
        return
    print_story(story, language)
    print_lines(_times_are(ctx.settings.zone, language), style="dim")


def _times_are(zone: str, language: str) -> str:
    times = Entry(None, (part(Phrase.TIMES, zone=zone),))
    return render([times], LANGUAGES[language], UTC)[0].text


def _plain(sentence: Sentence) -> dict[str, object]:
    """One line for programs: the sentences, and the codes of the reasons in them."""
    return {
        "at": sentence.at.isoformat() if sentence.at else None,
        "text": sentence.text,
        "reason": reasons_as_json(sentence.reason),
    }
