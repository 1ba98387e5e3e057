"""One row of a tape, read by a mapping: each field in its type, or an error that says why not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import NoReturn, TypeVar

from config.readers.placeholders import is_placeholder
from config.readers.tape_formats import day_in, read_number
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

_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Cells:
    """The fields of one loan, found through the mapping."""

    mapping: TapeMapping
    row: dict[str, str]

    def text(self, of: Field) -> str:
        """The text in the tape, or the constant of the mapping; empty if there is neither."""
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

    def _refuse_amount(self, of: Field) -> NoReturn:
        decimal_mark = self.mapping.formats.decimal_mark
        if not (mark := self.mapping.formats.thousands_mark):
            example = f"1250{decimal_mark}00"
            self._refuse(of, "an amount of zero or more, such as {example}", example=example)
        self._refuse(
            of,
            "an amount of zero or more, such as {example}, with {mark} only between groups of "
            "three digits (in the Indian way of two, before the last three)",
            example=f"1{mark}250{decimal_mark}00",
            mark=mark,
        )

    def refuse(self, of: Field, expected: str, **values: object) -> BadCellError:
        """The error that refuses this field; `values` fill the braces of `expected`."""
        return BadCellError(self.mapping.columns.get(of), expected, self.text(of), **values)

    def _refuse(self, of: Field, expected: str, **values: object) -> NoReturn:
        raise self.refuse(of, expected, **values)


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
