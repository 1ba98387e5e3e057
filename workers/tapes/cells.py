"""One row of a tape, read by a mapping: each field in its type, or an error that says why not."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NoReturn

from config.readers.placeholders import is_placeholder
from config.readers.tape_mapping import Field, TapeMapping
from domain.schedule import CENT
from domain.written_numbers import in_range
from workers.tapes.row_errors import BadCellError

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,15})?")
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

    def matching(self, of: Field, right: Callable[[str], object], expected: str) -> str:
        """A text for which `right` holds."""
        text = self.text(of)
        return text if right(text) else self._refuse(of, expected)

    def money(self, of: Field) -> Decimal:
        """An amount of zero or more, rounded to the cent: spreadsheets write 20653.717721938."""
        amount = self.amount(self.text(of))
        if amount is None:
            self._refuse(of, "an amount of zero or more, such as 1250.00")
        return amount

    def amount(self, text: str) -> Decimal | None:
        """The text as an amount of zero or more, rounded to the cent; None if it is not one."""
        mark = self.mapping.thousands_mark
        return _amount(text.replace(mark, "") if mark else text)

    def rate(self, of: Field) -> Decimal:
        """A yearly rate in per cent, 0 to 1000."""
        text = self.text(of)
        if not _NUMBER.fullmatch(text) or Decimal(text) > 1000:
            self._refuse(of, "a yearly rate in per cent, such as 14.07")
        return Decimal(text)

    def whole(self, of: Field, lowest: int, highest: int) -> int:
        """A whole number within both bounds."""
        text = self.text(of)
        if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
            self._refuse(
                of, "a whole number from {lowest} to {highest}", lowest=lowest, highest=highest
            )
        return int(text)

    def day(self, of: Field) -> date:
        """A date in the mapping's format."""
        found = day_in(self.text(of), self.mapping.date_format)
        return found or self._refuse(
            of, "a date from 1970 to 2199 written as {form}", form=self.mapping.date_format
        )

    def month(self, of: Field) -> date:
        """The first day of a month in the mapping's format."""
        found = day_in(self.text(of), self.mapping.month_format)
        return found or self._refuse(
            of, "a month from 1970 to 2199 written as {form}", form=self.mapping.month_format
        )

    def refuse(self, of: Field, expected: str, **values: object) -> BadCellError:
        """The error that refuses this field; `values` fill the braces of `expected`."""
        return BadCellError(self.mapping.columns.get(of), expected, self.text(of), **values)

    def _refuse(self, of: Field, expected: str, **values: object) -> NoReturn:
        raise self.refuse(of, expected, **values)


@lru_cache(maxsize=16_384)  # the instalments of a loan are alike, and those of many loans
def _amount(plain: str) -> Decimal | None:
    return Decimal(plain).quantize(CENT, ROUND_HALF_UP) if _NUMBER.fullmatch(plain) else None


@lru_cache(maxsize=4096)
def day_in(text: str, pattern: str) -> date | None:
    """The date that a `strptime` pattern finds in the text; None if there is none from 1970 to
    2199."""
    try:
        found = datetime.strptime(text, pattern)
    except ValueError:
        return None
    return found.date() if in_range(found) else None
