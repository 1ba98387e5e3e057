"""Options and exit codes that several commands share."""

import logging
import sys
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from domain.ids import LONGEST_ID, id_of
from domain.plain_text import assert_says_something
from workers.cli.dates import parse_day
from workers.cli.language import say
from workers.log_lines import write_visible_lines

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and change nothing.")]


class OfLender(StrEnum):
    """The channels by which the lender acts."""

    SMS = Channel.SMS.value
    CALL = Channel.CALL.value
    VISIT = Channel.VISIT.value
    LEGAL = Channel.LEGAL.value


def parse_id(written: str) -> str:
    """An id of the lender, for an argument or option with this parser.

    Raises:
        BadParameter: it is none.
    """
    if any("\ud800" <= character <= "\udfff" for character in written):
        return written  # it is no text, and is refused as such
    if (id := id_of(written)) is None:
        raise typer.BadParameter(
            say(
                "{written!r} is no id. An id has at most {longest} characters, no space at its "
                "ends, and no invisible ones.",
                written=written,
                longest=LONGEST_ID,
            )
        )
    return id


def lender_id(metavar: str, help: str) -> Any:
    """An argument that is an id of the lender's."""
    return typer.Argument(parser=parse_id, metavar=metavar, help=help)


Loan = Annotated[str, lender_id("LOAN", "The lender's id of the loan.")]
Item = Annotated[str, typer.Argument(help="The ladder item, such as legal_file.")]


def _written_out(words: str) -> str:
    assert_says_something("--why", words)
    return words


Why = Annotated[
    str, typer.Option(callback=_written_out, help="Why, in words that identify nobody.")
]

KNOWN_ALREADY = 1
"""The exit code for an event that changed nothing, because what it says is on record already."""

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="The most rows of each list.")]
After = Annotated[
    str | None, typer.Option(help="Go on after this: what stands below the page before.")
]
WhoSaidIt = Annotated[
    str | None,
    typer.Option(
        "--borrower",
        parser=parse_id,
        metavar="ID",
        help="The co-borrower or the guarantor whose word it is; else the borrower's.",
    ),
]
OfLoan = Annotated[
    str | None,
    typer.Option("--loan", parser=parse_id, metavar="LOAN", help="Only what is about this loan."),
]
ROWS_OF_A_PAGE = 50

NOT_KNOWN_YET = 3
"""The exit code for an event that is stored until the loan or record that it names exists."""


def own_id(what: str) -> Any:
    """The option `--id`: the lender's own id of what is recorded."""
    return typer.Option(
        "--id",
        parser=parse_id,
        metavar="TEXT",
        help=f"The lender's id of the {what}: the same id counts once.",
    )


WhoseId = Annotated[
    str | None,
    typer.Option(
        "--sender", help="Whose id it is, if several senders have given it; staff: typed here."
    ),
]


def day(help: str, *names: str, **more: Any) -> Any:
    """An option that takes a day, written like 2026-03-01."""
    return typer.Option(*names, parser=parse_day, metavar="DAY", help=help, **more)


On = Annotated[date | None, day("On which day; today if left out.")]


def ask_for(question: str, option: str) -> str:
    """What somebody answers at their terminal, where they left out an option.

    Raises:
        ArrearsError: there is no terminal, or nothing was answered.
    """
    try:
        return str(typer.prompt(question, err=True))
    except typer.Abort:
        raise ArrearsError(
            say(
                "Nobody answered: {question}. Give it with {option}.",
                question=question,
                option=option,
            )
        ) from None


def log_to_stderr(module: str) -> None:
    """Write a module's log to stderr, where an installation collects it; stdout stays clean.

    A person at a terminal does not see it. The database records each access in any case.
    """
    if sys.stderr.isatty():
        return
    write_visible_lines()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger(module).setLevel(logging.INFO)
