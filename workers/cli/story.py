"""How the history of a loan is printed: each day is headed by its date."""

from collections.abc import Iterable
from datetime import UTC

from rich.text import Text

from domain.inconvenient import WEEK
from domain.language.phrases import Phrase
from domain.language.render import Entry, Sentence, part, render
from domain.language.speak import LANGUAGES
from workers.cli.render import console


def print_story(story: Iterable[Sentence], language: str) -> None:
    """The lines of a history, each with its time, below the date and weekday they fall on.

    What has no moment, such as the terms of the loan, stands alone.
    """
    day = None
    for sentence in story:
        at = sentence.at
        if at and at.date() != day:
            day = at.date()
            heading = part(Phrase.DAY, on=day, weekdays=WEEK[day.weekday()])
            [headed] = render([Entry(None, (heading,))], LANGUAGES[language], UTC)
            console.print(Text(headed.text, style="bold"))
        time = f"{at:%H:%M}  " if at else ""
        console.print(Text.assemble((time, "dim"), sentence.text))
