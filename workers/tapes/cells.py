"""One row of a tape, read by a mapping: each field in its type, or an error that says why not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import NoReturn, TypeVar

from config.readers.placeholders import is_placeholder
from config.readers.tape_formats import MARKS, day_in, read_number
from config.readers.tape_mapping import Field, TapeMapping
from domain.currencies import smallest_of
from domain.ids import LONGEST_ID, id_of
from domain.written_numbers import in_range, plain_digits
from workers.tapes.row_errors import BadCellError

T = TypeVar("T")

MOST_READINGS = 65_536
"""Then they are forgotten, so that memory is constant."""
LONGEST_READING = 32
"""Characters."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Cells:
    """The fields of one loan, found through the mapping."""

    mapping: TapeMapping
    row: dict[str, str]

    def text(self, of: Field) -> str:
        """The text in the tape, or the constant of the mapping; empty if there is neither."""
        if of in self.mapping.joined:
            return join_cells([self.row[name] for name in self.mapping.joined[of]])
        column = self.mapping.columns.get(of)
        return self.mapping.constants.get(of, "") if column is None else self.row[column]

    def known(self, of: Field) -> str:
        """The text, or nothing where it stands for nothing, such as NULL or n/a."""
        text = self.text(of)
        return "" if is_placeholder(text) else text

    def no_placeholder(self, of: Field, expected: str) -> str:
        """A text that does not stand for nothing; it may be empty where `text` may."""
        text = self.text(of)
        if is_placeholder(text):
            self._refuse(of, f"{expected}; this stands for nothing, or for a number cut short")
        return text

    def needed(self, of: Field, expected: str) -> str:
        """A text that may not be empty."""
        return self.no_placeholder(of, expected) or self._refuse(of, expected)

    def id(self, of: Field, expected: str) -> str:
        """An id as it is kept; empty if the cell is."""
        text = self.no_placeholder(of, expected)
        id = id_of(text)
        if id is None and text:
            self._refuse(
                of,
                "an id of at most {longest} characters, without invisible ones",
                longest=LONGEST_ID,
            )
        return id or ""

    def matching(self, of: Field, right: Callable[[str], object], expected: str) -> str:
        """A text for which `right` holds."""
        text = self.text(of)
        return text if right(text) else self._refuse(of, expected)

    def money(self, of: Field) -> Decimal:
        """An amount of zero or more, rounded to the smallest of its currency: spreadsheets write
        20653.717721938."""
        amount = self.amount(self.text(of))
        if amount is None:
            self._refuse_amount(of)
        return amount

    def amount(self, text: str) -> Decimal | None:
        """The text as an amount of zero or more, rounded in the same way; None if it is not one."""
        return self.amounts[text]

    @property
    def amounts(self) -> "Readings[Decimal]":
        """What each text is as an amount: see `amount`."""
        formats, currency = self.mapping.formats, self.text(Field.CURRENCY)
        return _amounts(formats.decimal_mark, formats.thousands_mark, smallest_of(currency))

    @property
    def days(self) -> "Readings[date]":
        """What each text is as a date: see `day_in`."""
        return _days(self.mapping.formats.dates)

    def rate(self, of: Field) -> Decimal:
        """A yearly rate in per cent, 0 to 1000."""
        mark = self.mapping.formats.decimal_mark
        rate = read_number(self.text(of), mark, self.mapping.formats.thousands_mark)
        if rate is None or rate > 1000:
            self._refuse(of, "a yearly rate in per cent, such as {example}", example=f"14{mark}07")
        return rate

    def whole(self, of: Field, lowest: int, highest: int) -> int:
        """A whole number within both bounds."""
        text = plain_digits(self.text(of))
        if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
            self._refuse(
                of, "a whole number from {lowest} to {highest}", lowest=lowest, highest=highest
            )
        return int(text)

    def day(self, of: Field) -> date:
        """A date in a format of the mapping."""
        forms = ", ".join(self.mapping.formats.dates)
        return self.day_in(self.text(of)) or self._refuse(
            of, "a date from 1970 to 2199 written as {form}", form=forms
        )

    def day_in(self, text: str) -> date | None:
        """The text as a date in a format of the mapping; None if it is not one."""
        return self.days[text]

    def month(self, of: Field) -> date:
        """The first day of a month in the mapping's format."""
        form = self.mapping.formats.month
        return _days((form,))[self.text(of)] or self._refuse(
            of, "a month from 1970 to 2199 written as {form}", form=form
        )

    def in_other_marks(self, text: str) -> str | None:
        """An example in the marks that read the text as an amount; None if no usual ones do."""
        return next(
            (
                f"1{thousands_mark}250{decimal_mark}00"
                for decimal_mark, thousands_mark in MARKS
                if read_number(text, decimal_mark, thousands_mark) is not None
            ),
            None,
        )

    def _refuse_amount(self, of: Field) -> NoReturn:
        mark, decimal_mark = self.mapping.formats.thousands_mark, self.mapping.formats.decimal_mark
        example = f"1{mark}250{decimal_mark}00"
        if (written := self.in_other_marks(self.text(of))) and mark:
            self._refuse(
                of,
                "an amount of zero or more, such as {example}, with {mark} only between groups of "
                "three digits (in the Indian way of two, before the last three); if your system "
                "writes {written}, write decimal_mark and thousands_mark under formats in the "
                "mapping (docs/files.md#formats)",
                example=example,
                mark=mark,
                written=written,
            )
        if written:
            self._refuse(
                of,
                "an amount of zero or more, such as {example}; if your system writes {written}, "
                "write decimal_mark and thousands_mark under formats in the mapping "
                "(docs/files.md#formats)",
                example=example,
                written=written,
            )
        if not mark:
            self._refuse(of, "an amount of zero or more, such as {example}", example=example)
        self._refuse(
            of,
            "an amount of zero or more, such as {example}, with {mark} only between groups of "
            "three digits (in the Indian way of two, before the last three)",
            example=example,
            mark=mark,
        )

    def refuse(self, of: Field, expected: str, **values: object) -> BadCellError:
        """The error that refuses this field; `values` fill the braces of `expected`."""
        return BadCellError(self.mapping.columns.get(of), expected, self.text(of), **values)

    def _refuse(self, of: Field, expected: str, **values: object) -> NoReturn:
        raise self.refuse(of, expected, **values)


def join_cells(cells: Sequence[str]) -> str:
    """One text of several cells, with a space between, but none beside a Chinese character. A cell
    that stands for nothing is left out; if all do, the first that is not empty is the text."""
    given = [cell for cell in cells if cell]
    known = [cell for cell in given if not is_placeholder(cell)] or given[:1]
    text = ""
    for cell in known:
        is_chinese = bool(_HAN.match(text[-1:]) or _HAN.match(cell))
        text += cell if is_chinese or not text else f" {cell}"
    return text


class Readings(dict[str, T | None]):
    """Texts, and what they are read as: the instalments of a loan are alike, and those of many."""

    def __init__(self, read: Callable[[str], T | None]) -> None:
        self._read = read

    def __missing__(self, text: str) -> T | None:
        found = self._read(text)
        if found is not None and len(text) <= LONGEST_READING:
            if len(self) >= MOST_READINGS:
                self.clear()
            self[text] = found
        return found


@cache
def _amounts(decimal_mark: str, thousands_mark: str, smallest: Decimal) -> Readings[Decimal]:
    def read(text: str) -> Decimal | None:
        number = read_number(text, decimal_mark, thousands_mark)
        return None if number is None else number.quantize(smallest, ROUND_HALF_UP)

    return Readings(read)


@cache
def _days(patterns: Sequence[str]) -> Readings[date]:
    def read(text: str) -> date | None:
        found = (day_in(text, pattern) for pattern in patterns)
        return next((day for day in found if day and in_range(day)), None)

    return Readings(read)
