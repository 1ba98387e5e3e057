"""How commands print: tables for people and JSON for programs, from the same typed rows."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import TextWrapper
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, cast

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from config.readers.templates import NAMED_LOANS
from domain.language.speak import speak, with_sentence
from domain.reasons import Reason, Reasons
from domain.visible import visible
from workers.cli.language import coded, language_of_environment, say
from workers.cli.streams import raw_stream

if TYPE_CHECKING:
    from workers.db.pages import Page

R = TypeVar("R")


class VisibleConsole(Console):
    """A console that shows the escape of each character that a terminal would obey."""

    @property
    def file(self) -> IO[str]:
        stream: IO[str] = raw_stream(super().file)
        return stream

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


console = VisibleConsole(soft_wrap=True, highlight=False)
errors = VisibleConsole(stderr=True, soft_wrap=True, highlight=False)

WIDTH_OF_PADDING = 2
IDS = frozenset(
    {
        *("loan", "borrower", "other", "record", "who", "staff", "event", "reply", "action"),
        *("text", "provider's id", "number"),
    }
)
"""Headings of columns of ids, which are copied: none is wrapped."""
NARROWEST = 10
"""Where there is room, as wide as a day: also for Chinese, which may be broken anywhere."""
NARROWEST_WITH_LESS_ROOM = 8
CODE_AT_END = re.compile(r"(?<=[一-鿿])(（[a-z_]{8,}）)")
"""A code behind its Chinese word: it stands on a line of its own."""
ANY_CODE_AT_END = re.compile(r"(?<=[一-鿿])(（[a-z_]+）)$")
"""The same of any length: where the column is too narrow for both."""
WORD = re.compile(r"（?[!-~]+）?")

UNCHANGED = "Nothing was changed: this was a dry run."


@dataclass(frozen=True)
class Table(Generic[R]):
    """How rows of one type are shown: the headings, and what stands below each."""

    title: str | None
    columns: Mapping[str, Callable[[R], object]]
    if_none: str | None = None
    """Printed instead of a table without rows."""
    one_line: Collection[str] = ()
    """Headings of columns that are not wrapped, beside those of ids."""
    right: Collection[str] = ()
    """Headings of columns aligned to the right."""
    kinds: str = ""
    """By which name of `Language.words` the kinds of its pages have words; empty: by none."""

    def print(self, rows: Iterable[R]) -> None:
        # Narrow padding, to fit a terminal of 80 columns.
        table = RichTable(
            title=self.title and say(self.title),
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        cells = [[_cell(read(row)) for read in self.columns.values()] for row in rows]
        headings = [say(heading) if heading else "" for heading in self.columns]
        room = console.width - WIDTH_OF_PADDING * len(headings) - 1
        one_line = {heading for heading in self.columns if heading in {*self.one_line, *IDS}}
        kept = {n for n, heading in enumerate(self.columns) if heading in one_line}
        widths = _widths([headings, *cells], room, kept)
        if cells and sum(widths) > room:
            self._print_below_each_other(headings, cells, kept)
            return
        for heading, width in zip(self.columns, widths, strict=True):
            table.add_column(
                say(heading) if heading else "",
                no_wrap=heading in one_line,
                overflow="fold",
                width=width,
                justify="right" if heading in self.right else "left",
            )
        for row_of_cells in cells:
            # Text, because a reason may contain square brackets, which are rich's markup.
            fitted = map(_fitted, row_of_cells, widths)
            table.add_row(*map(Text, fitted))
        if table.row_count:
            console.print(table)
        elif self.if_none:
            console.print(say(self.if_none))

    def _print_below_each_other(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], kept: Collection[int]
    ) -> None:
        """The rows where the terminal is too narrow for a table: no id and no code is broken."""
        indent = "\n    "
        if self.title:
            print_lines(say(self.title))
        for row in rows:
            print_lines("")
            for n, (heading, cell) in enumerate(zip(headings, row, strict=True)):
                said = say("  {heading}: {value}", heading=heading, value=cell)
                lines = said.split("\n") if n in kept else _wrapped(said, len(indent) - 1)
                print_lines(indent.join(lines))


def _wrapped(said: str, indent: int) -> Iterator[str]:
    """The lines of what is said, broken between words where they are wider than the terminal."""
    wrap = TextWrapper(console.width - indent, break_long_words=False, break_on_hyphens=False)
    for line in said.split("\n"):
        yield from wrap.wrap(line) or [""]


def _fitted(cell: str, width: int) -> str:
    """The cell, with a code on a line of its own where it does not fit behind its Chinese word."""
    return "\n".join(
        line if cell_len(line) <= width else ANY_CODE_AT_END.sub(r"\n\1", line)
        for line in cell.split("\n")
    )


def _widths(rows: Sequence[Sequence[str]], room: int, kept: Collection[int]) -> list[int]:
    """The width of each column, so that no word and no code is broken. It may be more than `room`.

    What is left over goes to the widest column, which has the sentences. Columns in `kept` are not
    wrapped.
    """
    columns = list(zip(*rows, strict=True))
    whole = [max(map(cell_len, "\n".join(column).split("\n"))) for column in columns]
    words = [max(map(cell_len, ("", *WORD.findall("\n".join(column))))) for column in columns]
    widths = whole
    for least in range(NARROWEST, NARROWEST_WITH_LESS_ROOM - 1, -1):
        if sum(widths) <= room:
            break
        widths = [
            whole[n] if n in kept else min(whole[n], max(word, least))
            for n, word in enumerate(words)
        ]
    widths = list(widths)
    for n in sorted(range(len(columns)), key=lambda n: -whole[n]):
        widths[n] += max(0, min(whole[n] - widths[n], room - sum(widths)))
    return [max(1, width) for width in widths]


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


def show_page(table: Table[R], page: "Page[R]", *, as_json: bool) -> None:
    """One page of a list as JSON, or as tables."""
    if as_json:
        print_json(page)
    else:
        print_pages((table, page))


def print_pages(*pages: "tuple[Table[Any], Page[Any]]") -> None:
    """How many there are of each kind, if not all are shown; then the rows; then how to go on."""
    if any(page.after for _, page in pages):
        print_counts(
            say("In all"),
            {
                f"{say(table.title or '')}: {coded(table.kinds, kind) if table.kinds else kind}"
                if len(page.counts) > 1 or table.kinds
                else say(table.title or ""): count
                for table, page in pages
                for kind, count in sorted(page.counts.items(), key=lambda each: -each[1])
            },
        )
    for table, page in pages:
        table.print(page)
        if page.after:
            print_lines(
                say(
                    "These are {shown} of {total}. The next: --after {after}",
                    shown=len(page),
                    total=page.total,
                    after=page.after,
                )
            )


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
        console.print(Text(visible(line), style=style))


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
            return visible(speak(cast(Reasons, value), language_of_environment()))
        case tuple() | list():
            return "\n".join(map(_cell, value))
    return CODE_AT_END.sub(r"\n\1", visible(str(value)))
