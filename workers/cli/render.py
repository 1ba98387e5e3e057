"""How commands print: tables for people and JSON for programs, from the same typed rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from config.readers.templates import NAMED_LOANS
from domain.language.speak import speak, with_sentence
from domain.reasons import Reason, Reasons
from workers.cli.language import language_of_environment, say

R = TypeVar("R")

console = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

UNCHANGED = "Nothing was changed: this was a dry run."


@dataclass(frozen=True)
class Table(Generic[R]):
    """How rows of one type are shown: the headings, and what stands below each."""

    title: str | None
    columns: Mapping[str, Callable[[R], object]]
    if_none: str | None = None
    """Printed instead of a table without rows."""
    one_line: Collection[str] = ()
    """Headings of columns that are not wrapped, such as ids to copy."""
    right: Collection[str] = ()
    """Headings of columns aligned to the right."""

    def print(self, rows: Iterable[R]) -> None:
        # Narrow padding, to fit a terminal of 80 columns.
        table = RichTable(
            title=self.title and say(self.title),
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        for heading in self.columns:
            table.add_column(
                say(heading) if heading else "",
                no_wrap=heading in self.one_line,
                overflow="fold",
                justify="right" if heading in self.right else "left",
            )
        for row in rows:
            # Text, because a reason may contain square brackets, which are rich's markup.
            table.add_row(*(Text(_cell(read(row))) for read in self.columns.values()))
        if table.row_count:
            console.print(table)
        elif self.if_none:
            console.print(say(self.if_none))


def loans_named(loan: str, others: Sequence[str]) -> str:
    """The loans of one text or call; of many, the first and how many more."""
    if len(others) < NAMED_LOANS:
        return ", ".join((loan, *others))
    return say("{loan} and {others} more", loan=loan, others=len(others))


def show(table: Table[R], rows: Collection[R], *, as_json: bool) -> None:
    """The rows as JSON, or as a table."""
    if as_json:
        print_json(rows)
    else:
        table.print(rows)


def print_json(data: object) -> None:
    """Rows, or an object that holds rows, as JSON; beside each reason, the sentence in English."""
    console.print_json(data=with_sentence(data), default=str)


def print_counts(title: str, counts: Mapping[str, int]) -> None:
    """A table of names and numbers; nothing where there are none. The names are said already."""
    columns: dict[str, Callable[[tuple[str, int]], object]] = {
        title: lambda count: count[0],
        "": lambda count: count[1],
    }
    Table(None, columns, right=("",)).print(counts.items())


def print_lines(*lines: str, style: str = "") -> None:
    """Each line as it is, square brackets included."""
    for line in lines:
        console.print(Text(line, style=style))


def print_done(done: str, *, dry_run: bool) -> None:
    """What was done; after a dry run, that nothing was."""
    print_lines(say(UNCHANGED) if dry_run else done)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case (Reason(), *_):
            return speak(cast(Reasons, value), language_of_environment())
        case tuple() | list():
            return "\n".join(map(str, value))
    return str(value)
