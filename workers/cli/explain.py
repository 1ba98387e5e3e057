"""`arrears explain`: the whole story of one loan."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.text import Text

from domain.language.phrases import Sentence
from workers.cli.common import AsJson, Loan, console, open_context
from workers.cli.dates import a_moment
from workers.history import read_story

TIMES_ARE = {"en": "Times are those of {zone}.", "zh": "时间为 {zone} 的时间。"}


def explain(
    loan: Loan,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT", help='Only what had happened by then: "2026-03-01 21:30"; or all.'
        ),
    ] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="English or Chinese 中文.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell what was done about a loan, when, and why; and what was not done. No personal data."""
    ctx = open_context()
    moment = a_moment(ctx, at) if at else None
    with ctx.engine.connect() as connection:
        story = read_story(connection, ctx, loan, at=moment, language=language)
    if as_json:
        console.print_json(data=[_plain(sentence) for sentence in story])
        return
    for sentence in story:
        # Not markup: a reason may hold square brackets.
        console.print(Text(_line(sentence)))
    console.print(Text(TIMES_ARE[language].format(zone=ctx.settings.zone), style="dim"))


def _line(sentence: Sentence) -> str:
    return f"{sentence.at:%Y-%m-%d %H:%M}  {sentence.text}" if sentence.at else sentence.text


def _plain(sentence: Sentence) -> dict[str, str | None]:
    return {"at": sentence.at.isoformat() if sentence.at else None, "text": sentence.text}
