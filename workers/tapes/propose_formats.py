"""Proposes the formats of an export: the plainest marks and dates that read its cells.

Cells count whatever their column is called, so that a file whose columns nobody knows has formats
too.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from config.readers.tape_formats import MARKS, OWN_FORMATS, TapeFormats, agree, day_in, read_number
from domain.written_numbers import in_range, plain_digits

_PATTERNS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y"),
)
_MOST_PATTERNS = 3
_SHARE = 0.8
"""Of the cells of an unknown column, from which it counts as one of amounts or of dates."""
_LAKH = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?")
LONGEST_CELL = 64
"""Characters. A longer cell is no amount and no date."""


@dataclass(frozen=True, slots=True)
class ProposedFormats:
    """How a file seems to be written."""

    formats: TapeFormats
    unclear_dates: tuple[str, ...] = ()
    """Date patterns that read all dates too, as other days."""
    unclear_marks: bool = False
    """Whether other marks read all amounts too, as other amounts."""


def propose_formats(
    amounts: Sequence[str], dates: Sequence[str], unknown: Mapping[str, Sequence[str]]
) -> ProposedFormats:
    """The formats of the cells that are known to be amounts or dates. Of either kind that no column
    is known for, the cells of the unknown columns that look like it count, by column."""
    plain = {name: [plain_digits(text) for text in cells] for name, cells in unknown.items()}
    of_dates = [plain_digits(text) for text in dates] or list(_that_look_like(plain, is_date))
    of_amounts = [*amounts] or list(_that_look_like(plain, _is_amount_alone))
    patterns, other_patterns = _date_patterns(of_dates)
    marks, is_unclear = _marks(of_amounts)
    formats = replace(OWN_FORMATS, decimal_mark=marks[0], thousands_mark=marks[1], dates=patterns)
    return ProposedFormats(formats, other_patterns, is_unclear)


def is_amount(text: str) -> bool:
    """Whether some marks read it as an amount."""
    return any(read_number(text, *marks) is not None for marks in MARKS)


def is_date(text: str) -> bool:
    """Whether some pattern reads it as a date from 1970 to 2199."""
    days = (day_in(text, pattern) for pattern in _PATTERNS)
    return any(day is not None and in_range(day) for day in days)


def is_in_lakhs(text: str) -> bool:
    """Whether an amount is grouped in the Indian way, as 12,34,567.00 is."""
    return len(text) <= LONGEST_CELL and bool(_LAKH.fullmatch(plain_digits(text)))


def most_are(cells: Sequence[str], right: Callable[[str], bool]) -> bool:
    """Whether `right` holds for nearly all cells that are not empty, and there is one."""
    given = [text for text in cells if text]
    return bool(given) and sum(map(right, given)) >= _SHARE * len(given)


def _is_amount_alone(text: str) -> bool:
    """Whether it is an amount with a mark: a number without one may be an id or a telephone."""
    return not text.isdecimal() and is_amount(text) and not is_date(text)


def _that_look_like(
    unknown: Mapping[str, Sequence[str]], right: Callable[[str], bool]
) -> Iterator[str]:
    for cells in unknown.values():
        if most_are(cells, is_date if right is is_date else is_amount) and any(map(right, cells)):
            yield from filter(right, cells)


def _marks(amounts: Sequence[str]) -> tuple[tuple[str, str], bool]:
    """The marks by which most amounts can be read, and whether other marks give other amounts."""
    read = {marks: [read_number(text, *marks) for text in amounts] for marks in MARKS}
    count = {marks: sum(number is not None for number in read[marks]) for marks in MARKS}
    best = max(MARKS, key=lambda marks: count[marks])
    others = (marks for marks in MARKS if count[marks] == count[best] and marks != best)
    return best, any(_contradict(read[marks], read[best]) for marks in others)


def _date_patterns(dates: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pattern by which most dates can be read, with patterns that read the rest and contradict
    none; and the patterns by which as many can be read, but as other days."""
    days = {pattern: [day_in(text, pattern) for text in dates] for pattern in _PATTERNS}
    read = {pattern: sum(day is not None for day in found) for pattern, found in days.items()}
    best = max(_PATTERNS, key=lambda pattern: read[pattern])
    as_many = (p for p in _PATTERNS if read[p] == read[best])
    others = tuple(p for p in as_many if _contradict(days[p], days[best]))
    chosen = [best]
    while len(chosen) < _MOST_PATTERNS:
        rest = [n for n in range(len(dates)) if all(days[p][n] is None for p in chosen)]
        more = {p: sum(days[p][n] is not None for n in rest) for p in _PATTERNS}
        fitting = [p for p in _PATTERNS if more[p] and all(agree(p, c) for c in chosen)]
        if not fitting:
            break
        chosen.append(max(fitting, key=lambda pattern: more[pattern]))
    return tuple(chosen), others


def _contradict(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether the two read a text as different values."""
    pairs = zip(one, other, strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)
