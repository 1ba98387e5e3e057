"""What a person said of when, where and in which language they want to be contacted: options that
several commands share."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from config.readers.formats import LOCALE
from domain.errors import ArrearsError
from domain.inconvenient import Location
from domain.persons import PersonFact
from workers.cli.dates import parse_inconvenient_time
from workers.cli.language import say

Times = Annotated[
    list[str] | None,
    typer.Option(
        "--inconvenient-time",
        metavar="DAYS [HOURS]",
        help='What they said: "sun", "every_day 00:00-12:00". It may be given more than once.',
    ),
]
Places = Annotated[
    list[Location] | None,
    typer.Option("--inconvenient-place", help="What they said; number: the one of this contact."),
]
Speaks = Annotated[
    str | None, typer.Option("--speaks", help="The language they asked for: en, zh-Hans.")
]


def read_said(
    times: Sequence[str] | None, places: Sequence[Location] | None, locale: str | None
) -> list[dict[str, Any]]:
    """Each thing that was said, as an event has it.

    Raises:
        ArrearsError: a time or a language is not written as it should be.
    """
    if locale is not None and not LOCALE.fullmatch(locale):
        raise ArrearsError(
            say("{locale!r} is not a language. Write it as en or zh-Hans.", locale=locale)
        )
    said: list[dict[str, Any]] = [
        {"fact": PersonFact.INCONVENIENT_TIME, "time": parse_inconvenient_time(time)}
        for time in times or ()
    ]
    said += [{"fact": PersonFact.INCONVENIENT_PLACE, "place": place} for place in places or ()]
    return said + ([{"fact": PersonFact.LANGUAGE, "locale": locale}] if locale else [])
