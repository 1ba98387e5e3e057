"""`arrears explain`: the whole story of one loan."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from domain.telling import Sentence
from workers.cli.common import Loan, console, open_house
from workers.story import read_story


def explain(
    loan: Loan,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what was done about a loan, when, and why; and what was not done. No personal data."""
    house = open_house()
    with house.engine.connect() as connection:
        story = read_story(connection, house, loan)
    if as_json:
        console.print_json(data=[_plain(sentence) for sentence in story])
        return
    for sentence in story:
        # Not markup: a reason may hold square brackets.
        console.print(Text(_line(sentence)))
    console.print(Text(f"Times are those of {house.settings.zone}.", style="dim"))


def _line(sentence: Sentence) -> str:
    return f"{sentence.at:%Y-%m-%d %H:%M}  {sentence.text}" if sentence.at else sentence.text


def _plain(sentence: Sentence) -> dict[str, str | None]:
    return {"at": sentence.at.isoformat() if sentence.at else None, "text": sentence.text}
